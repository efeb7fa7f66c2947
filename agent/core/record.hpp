// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/kernel.hpp"

namespace memctl::agent {

/// Time since the guest booted, with pauses (CLOCK_BOOTTIME). It stays valid when the agent
/// restarts.
using Time = std::chrono::milliseconds;

/// The agent keeps this across a restart.
struct Record {
  static constexpr std::size_t longest_text = 4000;

  std::uint64_t last_operation{};  ///< The operation whose request was carried out last.
  std::uint64_t last_sequence{};   ///< The number of that request.
  bool active{};                   ///< An operation is being served.
  std::uint64_t operation{};       ///< The operation that is served.
  std::uint64_t sequence{};        ///< The last request of the operation that is served.
  OnlineZone zone{};
  std::optional<OnlinePolicy> earlier{};  ///< The policy to restore.
  Time lease_end{};
  std::vector<std::uint32_t> baseline{};  ///< Blocks present at the first request, by number.
  bool baseline_known{true};              ///< False: the list was too long to be recorded.
  friend bool operator==(const Record&, const Record&) = default;
};

[[nodiscard]] std::string to_text(const Record& record);
/// Nothing: the text is not complete.
[[nodiscard]] std::optional<Record> parse_record(std::string_view text);

}  // namespace memctl::agent
