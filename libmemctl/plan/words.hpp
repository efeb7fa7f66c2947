// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Words for refusals and findings.
#pragma once

#include <string>

#include "memctl/domain_info.hpp"
#include "memctl/units.hpp"

namespace memctl::plan {

inline constexpr auto switch_autoballoon_off = R"(echo 'autoballoon="off"' >> /etc/xen/xl.conf)";

/// A size in whole MiB. `at_least` rounds up, `at_most` rounds down.
[[nodiscard]] std::string at_least(Kib size);
[[nodiscard]] std::string at_most(Kib size);

/// The size as one word of a command, such as "300m".
[[nodiscard]] std::string word_for(Kib size);

/// Whose operation holds a domain, by the name of its process in the record. The name may be empty.
[[nodiscard]] std::string held_by(const std::string& owner);
inline constexpr auto damaged_record = "the record of an earlier operation cannot be read";
inline constexpr auto newer_record = "a newer memctl left the record of an operation that died";
inline constexpr auto mend_newer_record =
    "install that memctl again, and let it recover the domain: memctl recover";
/// What to do about a damaged record.
[[nodiscard]] std::string mend_record(DomainId domain);

/// The command that starts the agent, for a guest whose agent never announced itself.
[[nodiscard]] std::string start_agent();

}  // namespace memctl::plan
