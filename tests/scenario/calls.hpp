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

/// The calls of memctl on one simulated host, any number at once. Virtual time passes while
/// somebody waits for one of them, and stands still otherwise.
///
/// The commands are the real ones, which block; so each has a thread. But one thread runs at a
/// time: the driver's, which is this object's, or that of one call, to which the driver gives the
/// turn once what the call waits for has happened. A run depends on nothing but its input.
class Calls {
 public:
  explicit Calls(test::Simulation& simulation);
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;
  /// Interrupts what is under way, and waits for it.
  ~Calls();

  /// `arguments` without the program's name. Returns the number that names the call from then on.
  int start(const std::vector<std::string>& arguments);
  /// Lets time pass until the call has written `text`, to either output, or has ended: at its end
  /// alone if `text` is empty. Throws std::out_of_range if there is no such call.
  const Call& wait(int number, const std::string& text);
  /// As Ctrl-C does. `leave` ends the call alone, which would be its process: the operation goes
  /// on.
  void interrupt(int number, cli::Interruption interruption = cli::Interruption::cancel);
  /// Lets virtual time pass, for the host and for the calls under way.
  void pass(host::Duration duration);

 private:
  Call& find(int number);
  /// Runs all that needs no time to pass.
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
