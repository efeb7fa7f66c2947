// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Callbacks in a program's own event loop: prints guests that come, go and change, and what the
// host does, until the standard input ends.
//
//     watch_with_poll xen:
#include <memctl/callback_queue.hpp>
#include <memctl/host.hpp>

#include <poll.h>
#include <unistd.h>

#include <iostream>

namespace {

// A queue's callbacks run in `dispatch`, on the loop's thread: they may block, and call the host.
void show(const memctl::DomainChange& change) {
  std::cout << memctl::name(change.change) << ": " << change.domain.name << std::endl;
}

void print(const memctl::LogLine& line) {
  std::cout << memctl::name(line.level) << ": " << line.message << std::endl;
}

memctl::Result<void> watch(const char* uri) {
  BOOST_OUTCOME_TRY(const auto queue, memctl::CallbackQueue::open());
  BOOST_OUTCOME_TRY(const auto host, memctl::Host::open(uri, {.on_log = queue.bind(print)}));
  BOOST_OUTCOME_TRY(const auto watching, host.watch(queue.bind(show)));
  pollfd ready[] = {{queue.fd(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  char typed[256];
  for (;;) {
    if (::poll(ready, 2, -1) < 0) continue;  // a signal of the program
    if (ready[0].revents != 0) queue.dispatch();
    if (ready[1].revents != 0 && ::read(STDIN_FILENO, typed, sizeof typed) <= 0) break;
  }
  return memctl::success();
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: " << arguments[0] << " HOST\n";
    return 2;
  }
  const auto watched = watch(arguments[1]);
  if (watched) return 0;
  std::cerr << watched.error().message << '\n';
  if (!watched.error().advice().empty()) std::cerr << watched.error().advice() << '\n';
  return 1;
}
