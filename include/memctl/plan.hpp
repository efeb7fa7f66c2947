// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <vector>

#include "memctl/domain_info.hpp"
#include "memctl/size_range.hpp"
#include "memctl/units.hpp"

namespace memctl {

/// One step of a resize: the guest is brought to `size` before the next one begins.
struct Stage {
  Kib size{};         ///< The domain's size after the stage.
  int blocks{};       ///< At most so many memory blocks are added by it.
  Kib memmap{};       ///< At most so much of the guest's own memory pays for describing them.
  Kib host_memory{};  ///< The host memory that it takes; negative: gives back.
  friend bool operator==(const Stage&, const Stage&) = default;
};

/// What a resize would do. Stages after the first rest on a forecast of the guest's free memory;
/// the operation decides each one anew on fresh figures, so their number may differ.
struct Plan {
  DomainIdentity domain{};
  Kib from{};                   ///< The domain's size now.
  Kib to{};                     ///< The size that it would have.
  Kib limit{};                  ///< The limit afterwards.
  Kib earlier_limit{};          ///< The limit now.
  std::optional<Kib> pool{};    ///< The pool's size afterwards; nothing for pv.
  Kib pool_growth{};            ///< Host memory that the pool takes on top.
  Kib host_free{};              ///< What the host has to give now, claims of others excluded.
  Kib host_reserve{};           ///< What stays free on the host.
  std::vector<Stage> stages{};  ///< Empty: the domain has that size already.
  /// The sizes that would be granted now.
  SizeRange range{};

  friend bool operator==(const Plan&, const Plan&) = default;
};

}  // namespace memctl
