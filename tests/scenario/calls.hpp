// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <list>
#include <string>
#include <vector>

#include "call.hpp"
#include "memctl/host.hpp"
#include "support/simulation.hpp"

namespace memctl::scenario {

/// The calls of memctl on one simulated host, any number at once. Virtual time passes only while
/// the driver waits for a call.
///
/// The commands are the real commands, which block, so each has a thread. But only one thread runs
/// at a time: the driver's, which owns this object, or the thread of one call. The driver gives the
/// turn to a call when what the call waits for has happened. So a run depends only on its input.
class Calls {
 public:
  explicit Calls(test::Simulation& simulation);
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;
  /// Interrupts the calls that run, and waits for their end.
  ~Calls();

  /// Starts a call. `arguments` lack the program's name. Returns the number of the call.
  int start(const std::vector<std::string>& arguments);
  /// Lets time pass until the call has written `text` to an output or has ended. If `text` is
  /// empty, waits for the end. Throws std::out_of_range if there is no such call.
  const Call& wait(int number, const std::string& text);
  /// Interrupts a call as Ctrl-C does. `leave` ends only the call, which stands for the process;
  /// the operation goes on.
  void interrupt(int number, cli::Interruption interruption = cli::Interruption::cancel);
  /// Lets virtual time pass for the host and for the calls.
  void pass(host::Duration duration);

 private:
  Call& find(int number);
  /// Runs everything that needs no time to pass.
  void settle();
  /// False: nothing can happen any more.
  bool run_until(const std::function<bool()>& until);
  [[nodiscard]] bool any_running() const;

  test::Simulation& simulation_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  Host host_;
  std::list<Call> calls_{};
};

}  // namespace memctl::scenario
