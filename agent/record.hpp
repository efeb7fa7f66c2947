// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/file.hpp"
#include "agent/kernel.hpp"

namespace memctl::agent {

/// Time since the guest booted, pauses included (CLOCK_BOOTTIME): it outlives the agent.
using Time = std::chrono::milliseconds;

/// What a restart of the agent must not forget.
struct Record {
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

/// The record's place: one small file, overwritten in place, since a starving guest may have no
/// memory for a second one.
class RecordFile {
 public:
  /// In `directory`, which is made where it is missing.
  explicit RecordFile(const std::string& directory);
  [[nodiscard]] std::optional<Record> load() const;
  /// 0, or the error number.
  [[nodiscard]] int save(const Record& record);

 private:
  [[nodiscard]] bool stands() const;

  std::string path_;
  Fd file_;  ///< Kept open: to open it again would take memory.
};

}  // namespace memctl::agent
