// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

#include "base/facts.hpp"
#include "memctl/numa.hpp"

namespace memctl::plan {

/// What the caller and the administrator allow.
struct Terms {
  Kib host_reserve{64_MiB};  ///< The memory that stays free on the host.
  OnlineZone online{OnlineZone::kernel};
  bool agentless{false};
  bool allow_hvm_devices{false};
  bool force_movable{false};
  Numa numa{Numa::any};
  std::optional<Kib> minimum{};  ///< The administrator's, for this domain.
  std::optional<Kib> maximum{};
};

/// Whether a domain's journal has an operation's record, and whose record it is.
struct Holder {
  /// `newer`: a newer memctl wrote the record, and its process is dead.
  enum class State { none, alive, dead, damaged, newer };
  State state{State::none};
  std::string owner{};  ///< The process, as the record names it. Empty: it disowned the record.
};

/// Everything that a decision rests on.
struct Input {
  HostFacts host{};
  DomainFacts domain{};
  /// Nothing: no agent answers.
  std::optional<GuestFacts> guest{};
  /// The memory that the guest's processes have lately taken within a second.
  Kib guest_demand{};
  Terms terms{};
  Holder holder{};
  std::optional<bool> being_saved{};  ///< Or migrated. Nothing: it cannot be told.
};

/// libxl sets max_pages this much above the size (LIBXL_MAXMEM_CONSTANT). A failed populate can
/// charge a domain up to this much too many pages.
inline constexpr Kib max_pages_slack = 1_MiB;

/// The difference between Xen's page count of a settled domain and the whole pages of its target,
/// with its video RAM: a few pages of firmware and special pages, the same for the domain's whole
/// life. A target may be any number of KiB; Linux rounds it down. On hvm the difference may include
/// the video RAM, because Linux subtracts xenstore's target, which excludes video RAM, from
/// static-max, which includes it. Nothing: the domain is still on its way to its target, or its
/// max_pages keeps it below.
[[nodiscard]] std::optional<Kib> known_offset(const Input& input);
/// `known_offset`. If the domain is still on its way: minus the video RAM if the target that the
/// guest's balloon has lies so far below xenstore's that the guest gave as much up, otherwise zero.
[[nodiscard]] Kib settled_offset(const Input& input);

/// Whether a balloon is at its own target. False: it is not, or nothing tells.
[[nodiscard]] bool balloon_rests(const AgentReport& report);

/// The size that the domain has by Xen's page count. If the domain has reached its target, this is
/// the size that it was last asked to have.
[[nodiscard]] Kib present_size(const Input& input);

/// Xen's page count of the domain once it has settled at `size`.
[[nodiscard]] Pages settled_pages(const Input& input, Kib size);
/// The most pages that the domain may have at `size`. A guest that gave its video RAM up, or only
/// says so, can take it back: its max_pages allows it.
[[nodiscard]] Pages most_pages(const Input& input, Kib size);
/// `settled_pages` for a domain whose page count lies `offset` from its sizes.
[[nodiscard]] Pages settled_pages(const DomainFacts& domain, Kib size, Kib offset);
/// The size for which a domain whose page count lies `offset` from its sizes has the pages that it
/// has: the size that it was last asked to have, if it has just the pages for that.
[[nodiscard]] Kib measured_size(const DomainFacts& domain, Kib offset);
/// The size of whole pages that gives the domain as many pages as `size` does.
[[nodiscard]] Kib whole_pages(const DomainFacts& domain, Kib size);

}  // namespace memctl::plan
