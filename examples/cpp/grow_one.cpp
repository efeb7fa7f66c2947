// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Resizes one guest, and prints its progress.
//
//     grow_one xen: web1 4g
//     grow_one sim: demo-pv +1g
#include <memctl/host.hpp>

#include <chrono>
#include <iostream>

namespace {

// The host's thread calls it, and waits for it. Output may block: a daemon lets a CallbackQueue
// bring its events to another thread.
void show(const memctl::Event& event) {
  if (event.from == event.to) return;  // a phase that moves nothing
  std::cout << memctl::name(event.phase) << ": " << memctl::to_string(event.now) << " of "
            << memctl::to_string(event.to) << '\n';
}

void tell(const memctl::Error& error) {
  std::cerr << error.message << '\n';
  if (!error.advice().empty()) std::cerr << error.advice() << '\n';
  // What became of the guest, for example "restored". Null: the resize had not begun.
  if (error.report) std::cerr << memctl::name(error.report->outcome) << '\n';
}

memctl::Result<memctl::Report> grow(char** arguments) {
  BOOST_OUTCOME_TRY(const auto size, memctl::parse_size(arguments[3]));
  BOOST_OUTCOME_TRY(const auto host, memctl::Host::open(arguments[1]));
  BOOST_OUTCOME_TRY(const auto domain, host.domain(arguments[2]));
  return domain.resize(size, {.timeout = std::chrono::minutes{10}, .on_event = show}).wait();
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    std::cerr << "usage: " << arguments[0] << " HOST DOMAIN SIZE\n";
    return 2;
  }
  const auto report = grow(arguments);
  if (!report) {
    tell(report.error());
    return 1;
  }
  std::cout << report.value().domain.name << " has " << memctl::to_string(report.value().reached)
            << '\n';
}
