// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "memctl/domain_info.hpp"
#include "memctl/numa.hpp"
#include "memctl/size_range.hpp"
#include "memctl/units.hpp"

namespace memctl {

/// One step of a resize. The guest reaches `size` before the next stage begins.
struct Stage {
  Kib size{};         ///< The domain's size after the stage.
  int blocks{};       ///< The memory blocks that the stage adds at most.
  Kib memmap{};       ///< The guest memory that describing these blocks takes at most.
  Kib host_memory{};  ///< The host memory that the stage takes. Negative: it gives memory back.
  friend bool operator==(const Stage&, const Stage&) = default;
};

/// What a resize would do. The stages after the first rest on a forecast of the guest's free
/// memory. The operation decides each stage anew on fresh figures, so their number may differ.
struct Plan {
  DomainIdentity domain{};
  Kib from{};                 ///< The domain's size now.
  Kib to{};                   ///< The size after the resize.
  Kib limit{};                ///< The limit afterwards.
  Kib earlier_limit{};        ///< The limit now.
  std::optional<Kib> pool{};  ///< The pool afterwards. Nothing: a pv domain has no pool.
  Kib pool_growth{};          ///< Host memory that the pool takes in addition.
  /// The pool that is stored for the domain's next restore or reboot. Nothing: what is stored
  /// stays.
  std::optional<Kib> stored_pool{};
  Kib host_free{};              ///< Host memory that is free now and not claimed.
  Kib host_reserve{};           ///< Host memory that stays free.
  std::vector<Stage> stages{};  ///< Empty: the domain has that size already.
  /// The sizes that would be granted now.
  SizeRange range{};
  /// Why a resize back would be refused once the domain has shrunk: a sentence that names the size
  /// that the domain has at present. That is not `from` if the domain is still on its way to its
  /// target. Empty: no rule for the domain and its guest would refuse it, or the domain does not
  /// shrink. The host's memory does not count, because others may take it or free it at any time.
  std::string no_way_back{};
  /// Where the memory of a growth would lie. Nothing: the host has one NUMA node.
  std::optional<NumaForecast> numa_forecast{};

  friend bool operator==(const Plan&, const Plan&) = default;
};

}  // namespace memctl
