// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "base/facts.hpp"

namespace memctl::plan {

/// What the caller and the administrator allow.
struct Policy {
  Kib host_reserve{64_MiB};  ///< Stays free on the host.
  OnlineZone online{OnlineZone::kernel};
  bool agentless{false};
  bool allow_hvm_devices{false};
  std::optional<Kib> minimum{};  ///< The administrator's, for this domain.
  std::optional<Kib> maximum{};
};

/// All that a decision rests on.
struct Input {
  HostFacts host{};
  DomainFacts domain{};
  /// Nothing: the guest has no agent, or none that answers.
  std::optional<GuestFacts> guest{};
  /// What the guest has lately been taking for itself within a second.
  Kib guest_demand{};
  Policy policy{};
};

/// max_pages lies so much above the size, and a failed populate can charge a domain so much too
/// much (LIBXL_MAXMEM_CONSTANT).
inline constexpr Kib max_pages_slack = 1_MiB;

/// How far Xen's page count of a settled domain lies from its size: a few pages of firmware and
/// special pages, the same for the domain's whole life. On hvm its video RAM too: Linux takes the
/// target, which excludes it, off static-max, which doesn't. Nothing: the domain is on its way.
[[nodiscard]] std::optional<Kib> known_offset(const DomainFacts& domain);
/// The same, and zero where the domain is on its way.
[[nodiscard]] Kib settled_offset(const DomainFacts& domain);

/// The size that the domain has by Xen's page count; its asked-for size where that is reached.
[[nodiscard]] Kib present_size(const DomainFacts& domain);

/// Xen's page count of the domain once it has settled at `size`.
[[nodiscard]] Pages settled_pages(const DomainFacts& domain, Kib size);

}  // namespace memctl::plan
