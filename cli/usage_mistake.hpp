// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace memctl::cli {

/// What is wrong with a command line that CLI11 could not read, in our own words: one line, which
/// may quote the user's words unchanged. `command` is null if the command line names none.
[[nodiscard]] std::string usage_mistake(const CLI::App& app, const CLI::App* command,
                                        const CLI::ParseError& error);

/// A resize without a domain or a size.
[[nodiscard]] std::string needs_domain_and_size(const CLI::App& command);

/// How a user calls `command`: "memctl resize". A program that is one command has no more words.
[[nodiscard]] std::string called(const CLI::App& app, const CLI::App& command);

}  // namespace memctl::cli
