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

/// Time since the guest booted, pauses included (CLOCK_BOOTTIME): it outlives the agent.
using Time = std::chrono::milliseconds;

/// What a restart of the agent must not forget.
struct Record {
  static constexpr std::size_t longest_text = 4000;

  std::uint64_t last_operation{};  ///< Whose request was carried out last,
  std::uint64_t last_sequence{};   ///< and its number.
  bool active{};                   ///< An operation is being served:
  std::uint64_t operation{};       ///< this one,
  std::uint64_t sequence{};        ///< up to this request.
  OnlineZone zone{};
  std::optional<OnlinePolicy> earlier{};  ///< What the policy becomes afterwards.
  Time lease_end{};
  std::vector<std::uint32_t> baseline{};  ///< Blocks present at its first request, by number.
  bool baseline_known{true};              ///< False: the list was too long to be kept.
  friend bool operator==(const Record&, const Record&) = default;
};

[[nodiscard]] std::string to_text(const Record& record);
/// Nothing for a text that is not whole.
[[nodiscard]] std::optional<Record> parse_record(std::string_view text);

}  // namespace memctl::agent
