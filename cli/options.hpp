// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "memctl/resize.hpp"
#include "status_text.hpp"

namespace memctl::cli {

enum class Command { resize, plan, status, doctor, recover, watch, config };

/// A correct command line.
struct Options {
  Command command{Command::status};
  std::string host{"xen:"};
  std::optional<std::string> config{};  ///< The configuration file, if it is not the usual one.
  std::vector<std::string> domains{};   ///< Names or numbers. None means all.
  std::string size{};                   ///< resize and plan: as the user wrote it.
  ResizeOptions resize{};
  StatusLook look{};                         ///< status and watch: the table.
  std::chrono::milliseconds interval{2000};  ///< watch: how often all domains are asked.
  bool all{false};  ///< resize and plan: said, and not only meant by naming none.
  bool json{false};
  bool verbose{false};
  bool quiet{false};  ///< resize: neither a live view nor a line about a success.
  bool live{false};   ///< resize: a live view, even if standard error is no terminal.
};

/// The answer to a command line that runs no command: help, the version, or a mistake.
struct Answer {
  int exit_code{};
  std::string out{};
  std::string err{};
};

/// `arguments` does not include the program's name. What they leave open is as `defaults` has it.
[[nodiscard]] std::variant<Options, Answer> parse_options(std::vector<std::string> arguments,
                                                          const ResizeOptions& defaults = {});

}  // namespace memctl::cli
