// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "resize/operation.hpp"
#include "support/simulation.hpp"

namespace memctl::scenario {

/// A call of memctl at work on a simulated host, or at its end.
struct Command {
  std::string out{};
  std::string err{};
  std::optional<int> status{};  ///< The exit status, once it has ended.
  /// Where it is a resize that has begun.
  std::unique_ptr<resize::ResizeOperation> operation{};
};

/// The calls of memctl on one simulated host, any number at once: the command line, what is written
/// and the exit status are the real command's, and only the host below is not. Time passes while
/// somebody waits for one of them, and stands still otherwise.
class Commands {
 public:
  explicit Commands(test::Simulation& simulation) : simulation_{simulation} {}
  Commands(const Commands&) = delete;
  Commands& operator=(const Commands&) = delete;
  /// Cancels what is under way, and waits for it.
  ~Commands();

  /// `arguments` without the program's name. Returns the number that names the call from then on.
  int start(const std::vector<std::string>& arguments);
  /// Lets time pass until the call has written `text`, or has ended: at its end alone where `text`
  /// is empty. Throws std::out_of_range where there is no such call.
  const Command& wait(int number, const std::string& text);
  /// As Ctrl-C does.
  void interrupt(int number);
  /// Lets virtual time pass, for the host and for the calls under way.
  void pass(host::Duration duration);

 private:
  [[nodiscard]] bool any_running() const;

  test::Simulation& simulation_;
  std::map<int, Command> commands_{};
};

}  // namespace memctl::scenario
