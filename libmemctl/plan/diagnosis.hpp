// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is right and wrong with a host, a domain and a guest, before anybody asks for a resize.
// Pure: facts in, findings out. What a resize would be refused for is bad here, too.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/facts.hpp"
#include "memctl/doctor.hpp"
#include "memctl/error.hpp"
#include "plan/input.hpp"

namespace memctl::plan {

/// Whether an operation's record stands in a domain's journal, and whose.
struct Holder {
  enum class State { none, alive, dead, damaged };
  State state{State::none};
  std::string owner{};  ///< The process, as the record names it; empty: it gave the record up.
};

struct HostExam {
  HostFacts host{};
  HostSettings settings{};
  Kib reserve{};  ///< Stays free on the host.
};

struct DomainExam {
  Input facts{};
  Holder holder{};
  std::optional<bool> being_saved{};
  /// The agent's last hello, which may stand there although no agent answers.
  std::optional<AgentHello> hello{};
  std::optional<Error> agent_error{};  ///< Why the agent did not answer.
  std::string library_version{};
};

/// Each in the order of `Check`; what a type of domain has not is left out.
[[nodiscard]] std::vector<Finding> diagnose_host(const HostExam& exam);
[[nodiscard]] std::vector<Finding> diagnose_domain(const DomainExam& exam);
/// Without an agent that answers, all of the guest but that is unknown.
[[nodiscard]] std::vector<Finding> diagnose_guest(const DomainExam& exam);

}  // namespace memctl::plan
