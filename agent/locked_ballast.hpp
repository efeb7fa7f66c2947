// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "agent/core/ballast.hpp"

namespace memctl::agent {

/// Pages of this process, which are populated at once. `lock_memory` keeps them in memory.
class LockedBallast final : public Ballast {
 public:
  LockedBallast() = default;
  ~LockedBallast() override { lend(); }

 private:
  [[nodiscard]] bool obtain() override;
  void give_back() override;

  void* memory_{nullptr};
};

}  // namespace memctl::agent
