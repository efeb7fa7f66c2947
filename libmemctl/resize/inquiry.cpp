// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/inquiry.hpp"

#include <algorithm>
#include <utility>

#include "plan/numa.hpp"
#include "plan/plan.hpp"
#include "plan/step.hpp"

namespace memctl::resize {

Inquiry::Inquiry(host::Port& on, DomainIdentity identity, const Question& question)
    : port{on},
      domain{on, std::move(identity), question.terms},
      agent{on, wakeup, domain, question.terms.online},
      wait_agent{question.wait_agent},
      unhurried{on.clock(), wakeup, domain.identity(), question.stall} {}

host::Task<void> Inquiry::gather(const Patience& patience) {
  MEMCTL_CO_TRY(require_same(port, domain.identity()));
  MEMCTL_CO_TRY(domain.read_holder());
  MEMCTL_CO_TRY(co_await agent.await(patience, wait_agent));
  MEMCTL_CO_TRY(co_await domain.read_domain(patience));
  // An operation may have begun meanwhile, or ended. If one lived at first, the figures are
  // half-way.
  if (domain.facts().holder.state != plan::Holder::State::alive) {
    MEMCTL_CO_TRY(domain.read_holder());
  }
  co_return domain.read_host();
}

Error explained(Error refusal, const std::optional<Error>& agent_error) {
  if (refusal.cause == Cause::agent_absent && agent_error) return *agent_error;
  return refusal;
}

host::Task<Plan> plan_only(host::Port& port, DomainIdentity domain, SizeRequest request,
                           Question question) {
  Inquiry inquiry{port, std::move(domain), question};
  MEMCTL_CO_TRY(inquiry.agent.open());
  MEMCTL_CO_TRY(co_await inquiry.gather(inquiry.unhurried));
  MEMCTL_CO_TRY(inquiry.domain.read_save());
  auto plan = plan::make_plan(inquiry.domain.facts(), request);
  if (!plan) co_return explained(plan.error(), inquiry.agent.error());
  co_return plan;
}

host::Task<HostStatus> status_of_host(host::Port& port, Kib reserve) {
  BOOST_OUTCOME_CO_TRY(const HostFacts host, port.hypervisor().host_facts());
  co_return HostStatus{.total = to_kib(host.total),
                       .free = std::max(Kib{}, to_kib(host.available())),
                       .claimed = to_kib(host.claimed),
                       .reserve = reserve};
}

host::Task<DomainStatus> status_of(host::Port& port, DomainIdentity domain, Question question) {
  Inquiry inquiry{port, std::move(domain), question};
  MEMCTL_CO_TRY(inquiry.agent.open());
  MEMCTL_CO_TRY(co_await inquiry.gather(inquiry.unhurried));
  MEMCTL_CO_TRY(inquiry.domain.read_save());
  const plan::Input& facts = inquiry.domain.facts();
  DomainStatus status{.domain = inquiry.domain.identity(),
                      .size = plan::present_size(facts),
                      .allocated = to_kib(facts.domain.memory.allocated),
                      .target = facts.domain.size().value_or(Kib{}),
                      .limit = facts.domain.limit,
                      .max_pages = facts.domain.memory.max_pages,
                      .boot_limit = facts.domain.boot_limit,
                      .pool = facts.domain.pool};
  if (facts.guest) {
    const AgentHello& hello = facts.guest->hello;
    status.agent = AgentStatus{.version = hello.agent_version,
                               .kernel_release = hello.kernel_release,
                               .block_size = hello.block_size};
    status.reported_total = facts.guest->report.mem_total;
    status.reported_available = facts.guest->report.mem_available;
    status.reported_starving = plan::is_pressed(facts, Kib{});
  }
  auto range = plan::range_of(facts);
  if (range) {
    status.range = std::move(range).value();
    status.numa_forecast = plan::numa_forecast(facts, status.range->largest.size);
  } else {
    const Error refusal = explained(std::move(range).error(), inquiry.agent.error());
    status.refused_by = refusal.cause;
    status.refused_message = refusal.message;
  }
  co_return status;
}

}  // namespace memctl::resize
