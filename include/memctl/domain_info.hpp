// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "memctl/cause.hpp"
#include "memctl/export.hpp"
#include "memctl/numa.hpp"
#include "memctl/size_range.hpp"
#include "memctl/units.hpp"

namespace memctl {

enum class DomainType { pv, pvh, hvm };
[[nodiscard]] MEMCTL_EXPORT std::string_view name(DomainType type);

/// One life of a domain. Xen's numbers wrap and names change hands, so the UUID tells whether the
/// number still means the same domain.
struct DomainIdentity {
  DomainId id{};
  std::string name{};
  DomainType type{DomainType::pv};
  std::string uuid{};  ///< As "xl list -v" prints it. Empty: not known.
  /// The guest whose device model runs in this domain. Such a stub domain is no guest, and no
  /// resize is granted to it. Nothing: it is no stub domain, or it is not known.
  std::optional<DomainId> device_model_of{};
  friend bool operator==(const DomainIdentity&, const DomainIdentity&) = default;
};

/// The domain as one word of a command for a shell: its name; or its number, if a shell or the
/// command would take the name for something else. Such a word needs no quotes.
[[nodiscard]] MEMCTL_EXPORT std::string command_word(const DomainIdentity& domain);

/// What a guest's agent says about itself. The guest claims all of it.
struct AgentStatus {
  std::string version{};
  std::string kernel_release{};
  Kib block_size{};
};

/// A domain at one moment. Sizes are counted as `xl` counts them, with video RAM. The host measured
/// every figure, except `agent` and those whose names begin with `reported_`: the guest claims
/// them.
struct DomainStatus {
  DomainIdentity domain{};
  Kib size{};                               ///< The size now. Settled: the same as `target`.
  Kib allocated{};                          ///< Xen's page count of the domain.
  Kib target{};                             ///< The size that the domain was last asked to have.
  std::optional<Kib> limit{};               ///< How far the target may go without a resize.
  Kib max_pages{};                          ///< The hypervisor's cap, which a guest cannot pass.
  std::optional<Kib> boot_limit{};          ///< The limit that the domain was built with.
  std::optional<Kib> pool{};                ///< The HAP or shadow pool. A pv domain has no pool.
  std::optional<AgentStatus> agent{};       ///< Nothing: no agent answers, or none was asked.
  std::optional<Kib> reported_total{};      ///< The guest's MemTotal.
  std::optional<Kib> reported_available{};  ///< The guest's MemAvailable.
  /// The guest's kernel has less free than a shrink would leave it.
  bool reported_starving{};
  /// The sizes that a resize would be granted now. Nothing: every size would be refused, and the
  /// next two members say why.
  std::optional<SizeRange> range{};
  std::optional<Cause> refused_by{};
  std::string refused_message{};  ///< One line. The guest may have written parts of it.
  /// Where the memory of a growth to the largest size would lie. A smaller growth takes its memory
  /// from the domain's own nodes first. Nothing: the host has one NUMA node, or no size would be
  /// granted.
  std::optional<NumaForecast> numa_forecast{};
};

/// What a domain is doing, in a word: "fine", "resizing", "growing", "shrinking", "starving",
/// "no-agent", "other-agent", "paused", "saving", "ending". If no size would be granted for another
/// reason, the cause's name.
[[nodiscard]] MEMCTL_EXPORT std::string state_of(const DomainStatus& status);

}  // namespace memctl
