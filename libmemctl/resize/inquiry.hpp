// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "host/clock.hpp"
#include "host/port.hpp"
#include "host/task.hpp"
#include "memctl/domain_info.hpp"
#include "memctl/host_status.hpp"
#include "memctl/plan.hpp"
#include "memctl/size.hpp"
#include "resize/agent_link.hpp"
#include "resize/observed_domain.hpp"
#include "resize/patience.hpp"
#include "resize/question.hpp"

namespace memctl::resize {

/// A domain and its agent, to be asked. Nothing here changes the domain. Belongs to the host's
/// executor.
struct Inquiry {
  Inquiry(host::Port& port, DomainIdentity identity, const Question& question);

  /// Reads all facts: first the agent's, since its answer can take seconds in which others may
  /// change what follows, and last the host's, which others change most. The record is read before
  /// and after the agent's. An agent that does not
  /// answer leaves the guest's facts unknown; the question tells how long to wait for one. Errors:
  /// the host's; `stalled` if libxl is silent.
  [[nodiscard]] host::Task<void> gather(const Patience& patience);

  host::Port& port;
  host::Wakeup wakeup;
  ObservedDomain domain;
  AgentLink agent;
  host::Duration wait_agent;
  /// For whatever no cancel and no deadline may end.
  Patience unhurried;
};

/// The refusal. If it says that there is no agent, and the agent failed in a way that is known, it
/// tells that instead.
[[nodiscard]] Error explained(Error refusal, const std::optional<Error>& agent_error);

/// What `ResizeOperation` would do, without doing it. Errors: every refusal.
[[nodiscard]] host::Task<Plan> plan_only(host::Port& port, DomainIdentity domain,
                                         SizeRequest request, Question question);

/// The host's memory, of which `reserve` stays free. Errors: those of the host.
[[nodiscard]] host::Task<HostStatus> status_of_host(host::Port& port, Kib reserve);

/// The domain and its guest, asked now. Errors: those of the host.
[[nodiscard]] host::Task<DomainStatus> status_of(host::Port& port, DomainIdentity domain,
                                                 Question question);

}  // namespace memctl::resize
