// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Words that refusals and findings share.
#pragma once

#include <string>

#include "memctl/domain_info.hpp"
#include "memctl/units.hpp"

namespace memctl::plan {

inline constexpr auto switch_autoballoon_off = R"(echo 'autoballoon="off"' >> /etc/xen/xl.conf)";

/// A size in whole MiB, for a sentence that bounds it: rounded up, and rounded down.
[[nodiscard]] std::string at_least(Kib size);
[[nodiscard]] std::string at_most(Kib size);

/// The domain as one word of a command: its name, or its number if a shell would not take the name
/// as it is, or if xl would take the name for a number.
[[nodiscard]] std::string word_for(const DomainIdentity& domain);
/// The size as one word of a command, such as "300m".
[[nodiscard]] std::string word_for(Kib size);

/// What starts an agent that was never seen.
[[nodiscard]] std::string start_agent();

}  // namespace memctl::plan
