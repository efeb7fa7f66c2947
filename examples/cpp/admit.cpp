// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a toolstack does before it sells a size: it asks for a plan, which changes nothing. If the
// size is refused, it offers what works.
//
//     admit xen: web1 64g
#include <memctl/host.hpp>

#include <iostream>

using namespace memctl::literals;

namespace {

// What the administrator allows. A plan and a resize are refused beyond it.
memctl::Policy policy() {
  return {.host_reserve = 2_GiB,
          .domains = {{.name = "demo-pv*", .minimum = 512_MiB, .maximum = 8_GiB},
                      {.name = "*", .maximum = 32_GiB}}};
}

void tell(const memctl::Error& error) {
  std::cerr << error.message << '\n';
  if (!error.advice().empty()) std::cerr << error.advice() << '\n';
}

// Why the range ends there, for the administrator.
void explain(const char* end, const memctl::RangeEnd& range_end) {
  std::cerr << end << ' ' << memctl::to_string(range_end.size) << " ("
            << memctl::name(range_end.cause) << "): " << range_end.reason << '\n';
}

// Tells the customer sizes alone, on the standard output. The reasons are the administrator's.
int admit(const memctl::Domain& domain, memctl::SizeRequest size) {
  const auto plan = domain.plan_resize(size);
  if (plan) {
    std::cout << "granted: " << memctl::to_string(plan.value().to) << '\n';
    return 0;  // a resize decides anew: host and guest change
  }
  const memctl::Error& error = plan.error();
  tell(error);
  if (!error.range || !error.nearest) {
    std::cout << "not possible now\n";
    return 1;
  }
  const memctl::SizeRange& range = *error.range;
  std::cout << "possible: " << memctl::to_string(range.smallest.size) << " to "
            << memctl::to_string(range.largest.size)
            << "; nearest: " << memctl::to_string(*error.nearest) << '\n';
  explain("smallest", range.smallest);
  explain("largest", range.largest);
  return 1;
}

memctl::Result<int> run(char** arguments) {
  BOOST_OUTCOME_TRY(const auto size, memctl::parse_size(arguments[3]));
  BOOST_OUTCOME_TRY(const auto host, memctl::Host::open(arguments[1], {.policy = policy()}));
  BOOST_OUTCOME_TRY(const auto domain, host.domain(arguments[2]));
  return admit(domain, size);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    std::cerr << "usage: " << arguments[0] << " HOST DOMAIN SIZE\n";
    return 2;
  }
  const auto status = run(arguments);
  if (status) return status.value();
  tell(status.error());
  return 1;
}
