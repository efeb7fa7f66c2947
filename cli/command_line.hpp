// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the command lines of memctl and of xl's commands share.
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>
#include <vector>

#include "options.hpp"

namespace memctl::cli {

void add_switch(CLI::App& app, const std::string& name, bool& value, const std::string& help);

/// Domains, a size, and how to bring the domains to that size.
void add_resize_options(CLI::App& app, Options& options);

/// Any number of domains, and the options that every command has.
void add_domains(CLI::App& app, Options& options);

/// How the table of domains looks.
void add_status_options(CLI::App& app, Options& options);

/// The columns of that table, and what each of them shows.
[[nodiscard]] std::string status_columns_text();

/// Reads `arguments` into what was added to `app`. Returns the answer if no command is to run.
/// `arguments` does not include the program's name. If it returns none, and the program has
/// commands, one of them is named.
[[nodiscard]] std::optional<Answer> read_arguments(CLI::App& app,
                                                   std::vector<std::string> arguments);

/// The user's own word, from what CLI11 hands to a function that takes an argument or a value.
[[nodiscard]] std::string unguarded(const std::string& text);

}  // namespace memctl::cli
