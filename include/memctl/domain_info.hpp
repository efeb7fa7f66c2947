// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "memctl/cause.hpp"
#include "memctl/export.hpp"
#include "memctl/size_range.hpp"
#include "memctl/units.hpp"

namespace memctl {

enum class DomainType { pv, pvh, hvm };
[[nodiscard]] MEMCTL_EXPORT std::string_view name(DomainType type);

struct DomainIdentity {
  DomainId id{};
  std::string name{};
  DomainType type{DomainType::pv};
  friend bool operator==(const DomainIdentity&, const DomainIdentity&) = default;
};

/// What a guest's agent says of itself. All of it is the guest's claim.
struct AgentStatus {
  std::string version{};
  std::string kernel_release{};
  Kib block_size{};
};

/// A domain at one moment. Sizes are what `xl` means by them (video RAM included).
/// Measured by the host, except where a name begins with `reported_`: that is the guest's claim.
struct DomainStatus {
  DomainIdentity domain{};
  Kib allocated{};                      ///< Xen's page count of the domain.
  Kib target{};                         ///< The size that the domain was last asked to have.
  std::optional<Kib> limit{};           ///< static-max: how far the target may go without a resize.
  Kib max_pages{};                      ///< Xen's max_pages, the limit that a guest cannot pass.
  std::optional<Kib> boot_limit{};      ///< static-max when the domain was built.
  std::optional<Kib> pool{};            ///< HAP or shadow pool; a pv domain has none.
  std::optional<AgentStatus> agent{};   ///< Nothing: no agent announced itself, or none answers.
  std::optional<Kib> reported_total{};  ///< The guest's MemTotal.
  std::optional<Kib> reported_available{};  ///< The guest's MemAvailable.
  /// The sizes that a resize would be granted now. Nothing: it would be refused whatever the size,
  /// and the next two tell why.
  std::optional<SizeRange> range{};
  std::optional<Cause> refused_by{};
  std::string refused_message{};  ///< One line. Some of it may be the guest's.
};

}  // namespace memctl
