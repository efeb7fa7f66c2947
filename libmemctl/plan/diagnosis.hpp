// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is right and wrong with a host, a domain and a guest before a resize. Pure: facts in,
// findings out. If a resize would be refused for something, that is a bad finding here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/facts.hpp"
#include "memctl/doctor.hpp"
#include "memctl/error.hpp"
#include "plan/input.hpp"

namespace memctl::plan {

struct HostExam {
  HostFacts host{};
  HostSettings settings{};
  Kib reserve{};  ///< The memory that stays free on the host.
};

struct DomainExam {
  Input facts{};
  /// The agent's last hello. It may stand there although no agent answers.
  std::optional<AgentHello> hello{};
  std::optional<Error> agent_error{};  ///< Why the agent did not answer.
  std::string library_version{};
};

/// The findings are in the order of `Check`. Checks that the domain's type does not have are left
/// out. A stub domain has `state` alone.
[[nodiscard]] std::vector<Finding> diagnose_host(const HostExam& exam);
[[nodiscard]] std::vector<Finding> diagnose_domain(const DomainExam& exam);
/// If no agent answers, `agent` says so, and everything else that only the agent knows is
/// `unknown`.
[[nodiscard]] std::vector<Finding> diagnose_guest(const DomainExam& exam);

}  // namespace memctl::plan
