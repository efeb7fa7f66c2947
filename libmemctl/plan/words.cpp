// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plan/words.hpp"

#include "memctl/size.hpp"

namespace memctl::plan {

std::string at_least(Kib size) { return to_string(round_up(size, 1_MiB)); }
std::string at_most(Kib size) { return to_string(round_down(size, 1_MiB)); }

std::string word_for(Kib size) {
  const bool whole = round_down(size, 1_MiB) == size;
  return whole ? std::to_string(size / 1_MiB) + "m" : std::to_string(size.count()) + "k";
}

std::string held_by(const std::string& owner) {
  return "another operation holds the domain: " + (owner.empty() ? "an unknown process" : owner);
}

std::string mend_record(DomainId domain) {
  return "compare the domain's limits with its configuration, then xenstore-rm /libxl/" +
         std::to_string(number(domain)) + "/memctl";
}

std::string start_agent() { return "in the guest: systemctl enable --now memctl-agent"; }

}  // namespace memctl::plan
