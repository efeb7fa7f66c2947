// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memctl/error.hpp"
#include "memctl/policy.hpp"
#include "memctl/resize.hpp"
#include "memctl/size_range.hpp"

namespace memctl::cli {

inline constexpr std::string_view usual_configuration_file = "/etc/memctl/memctl.toml";

/// The lines of the file that set a domain's bounds. Zero: the file does not set it.
struct DomainLines {
  int entry{};
  int minimum{};
  int maximum{};
};

/// What the administrator has set for this host. The library does not know the file: it is handed
/// the policy and the options.
struct Configuration {
  std::string file{usual_configuration_file};
  bool found{false};  ///< False: there is no file, so everything is as by default.
  /// Its reserve is at least the default of `ResizeOptions`.
  Policy policy{.host_reserve = ResizeOptions{}.host_reserve};
  /// What a command line leaves open.
  ResizeOptions resize{};
  /// The lines that set the keys, by names such as "resize.timeout". A key that is not in it has
  /// its default.
  std::map<std::string, int, std::less<>> lines{};
  std::vector<DomainLines> domain_lines{};  ///< One for each of `policy.domains`.

  /// "FILE:LINE"
  [[nodiscard]] std::string place(int line) const { return file + ":" + std::to_string(line); }
};

/// Which entry gives a domain its minimum or its maximum.
class Deciding {
 public:
  explicit Deciding(const Policy& policy);
  /// Nothing: no entry does.
  [[nodiscard]] std::optional<std::size_t> entry(std::string_view domain,
                                                 std::optional<Kib> DomainPolicy::*bound) const;

 private:
  /// One policy for each entry: the library says what a pattern stands for.
  std::vector<Policy> alone_{};
};

/// Names the lines of the configuration that set a domain's bounds: in the hint, if it was refused
/// for such a bound, and in the reasons of the range of sizes.
[[nodiscard]] Error with_source(Error error, std::string_view domain,
                                const Configuration& configuration);
[[nodiscard]] SizeRange with_source(SizeRange range, std::string_view domain,
                                    const Configuration& configuration);

/// What the text of a file sets. Errors: `invalid_argument`, with "FILE:LINE: " and what is wrong,
/// and with what would be right as its hint. If several lines are wrong, the first of them.
[[nodiscard]] Result<Configuration> parse_configuration(std::string_view text, std::string file);

/// Reads this file, or else the usual one, which may be absent. Errors: those of
/// `parse_configuration`; also `invalid_argument` if the file cannot be read, is no regular file,
/// is too large, or if users other than root and the caller may write to it.
[[nodiscard]] Result<Configuration> read_configuration(const std::optional<std::string>& file);

}  // namespace memctl::cli
