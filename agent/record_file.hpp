// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

#include "agent/core/surroundings.hpp"
#include "agent/file.hpp"

namespace memctl::agent {

/// Keeps the record in one small file. The file is overwritten in place, because a starving guest
/// may have no memory for a second file.
class RecordFile final : public RecordStore {
 public:
  /// The file is in `directory`, which is made if it is missing.
  explicit RecordFile(const std::string& directory);
  [[nodiscard]] std::optional<Record> load() const override;
  [[nodiscard]] int save(const Record& record) override;

 private:
  [[nodiscard]] bool stands() const;

  std::string path_;
  Fd file_;  ///< Stays open, because opening it again would take memory.
};

}  // namespace memctl::agent
