// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

namespace memctl::cli {

/// What a reading of a command line found.
struct Usage {
  const CLI::App* command{};             ///< The command that the words name, or null.
  std::optional<std::string> mistake{};  ///< The first mistake: one line, in our own words.
};

/// Reads `arguments` by what was declared in `app`. CLI11 reads them too, but its texts differ from
/// release to release and are not ours. The values of options are left to the options. A line may
/// quote the user's words unchanged.
[[nodiscard]] Usage read_usage(const CLI::App& app, const std::vector<std::string>& arguments);

/// A resize without a domain or a size.
[[nodiscard]] std::string needs_domain_and_size(const CLI::App& command);

/// How a user calls `command`: "memctl resize". A program that is one command has no more words.
[[nodiscard]] std::string called(const CLI::App& app, const CLI::App& command);

}  // namespace memctl::cli
