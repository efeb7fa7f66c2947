// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

#include "agent/core/surroundings.hpp"
#include "agent/file.hpp"

namespace memctl::agent {

/// The record in one small file, overwritten in place, since a starving guest may have no memory
/// for a second one.
class RecordFile final : public RecordStore {
 public:
  /// In `directory`, which is made where it is missing.
  explicit RecordFile(const std::string& directory);
  [[nodiscard]] std::optional<Record> load() const override;
  [[nodiscard]] int save(const Record& record) override;

 private:
  [[nodiscard]] bool stands() const;

  std::string path_;
  Fd file_;  ///< Kept open: to open it again would take memory.
};

}  // namespace memctl::agent
