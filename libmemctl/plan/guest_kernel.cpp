// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plan/guest_kernel.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

namespace memctl::plan {
namespace {

std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool take_dot(std::string_view& text) {
  if (!text.starts_with('.')) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<KernelVersion> parse_triple(std::string_view text) {
  const auto major = take_number(text);
  if (!major || !take_dot(text)) return std::nullopt;
  const auto minor = take_number(text);
  if (!minor) return std::nullopt;
  KernelVersion version{.major = *major, .minor = *minor};
  if (take_dot(text)) version.patch = take_number(text);
  if (version.patch == 0) version.patch.reset();
  return version;
}

bool is_series(const KernelVersion& version, int major, int minor) {
  return std::tie(version.major, version.minor) == std::tie(major, minor);
}

bool between(const KernelVersion& version, int first, int last) {
  return version.patch && *version.patch >= first && *version.patch <= last;
}

bool loses_first_memory(const KernelVersion& version) {
  const auto series = std::tie(version.major, version.minor);
  if (series < std::tuple{5, 9} || series > std::tuple{5, 17}) return false;
  if (is_series(version, 5, 10)) return version.patch.value_or(0) < 112;
  if (is_series(version, 5, 15)) return version.patch.value_or(0) < 35;
  return true;
}

bool spins(const KernelVersion& version) {
  return (is_series(version, 4, 19) && between(version, 209, 210)) ||
         (is_series(version, 5, 4) && between(version, 150, 152)) ||
         (is_series(version, 5, 10) && between(version, 70, 72)) ||
         (is_series(version, 5, 14) && between(version, 9, 11));
}

}  // namespace

std::optional<KernelVersion> parse_kernel_version(std::string_view release,
                                                  std::string_view build) {
  auto version = parse_triple(release);
  if (!version || version->patch) return version;
  while (!build.empty()) {
    const auto word = build.substr(0, build.find(' '));
    build.remove_prefix(std::min(build.size(), word.size() + 1));
    const auto named = parse_triple(word);
    if (named && named->patch && is_series(*named, version->major, version->minor)) return named;
  }
  return version;
}

KernelFaults kernel_faults(const AgentHello& hello) {
  const auto version = parse_kernel_version(hello.kernel_release, hello.kernel_build);
  if (!version) {
    return {.first_memory_of_a_zone_is_lost = true, .high_memory_is_taken_for_low = true};
  }
  return {.first_memory_of_a_zone_is_lost = loses_first_memory(*version),
          .balloon_spins = spins(*version),
          .high_memory_is_taken_for_low =
              std::tie(version->major, version->minor) >= std::tuple{4, 13}};
}

}  // namespace memctl::plan
