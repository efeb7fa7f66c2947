// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "options.hpp"

namespace memctl::cli {

/// The command that this program is, by the name under which it was started: xl-mem-resize,
/// xl-mem-status or xl-mem-doctor, with or without a path. Nothing: it is memctl.
[[nodiscard]] std::optional<Command> xl_command(std::string_view program);

/// The arguments of a command of xl. Options of xl's own may be among them. `arguments` does not
/// include the program's name. What they leave open is as `defaults` has it.
[[nodiscard]] std::variant<Options, Answer> parse_xl_options(Command command,
                                                             std::vector<std::string> arguments,
                                                             const ResizeOptions& defaults = {});

}  // namespace memctl::cli
