// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/work.hpp"

#include <utility>

#include "base/domain_error.hpp"

namespace memctl::resize {

Work::Work(host::Port& on, DomainIdentity identity, ResizeOptions with, const Question& question)
    : Inquiry{on, std::move(identity), question},
      options{std::move(with)},
      limits{on, wakeup, domain},
      progress{on.clock(), options.on_event} {}

Result<void> Work::open() {
  BOOST_OUTCOME_TRY(agent.open());
  BOOST_OUTCOME_TRY(limits.open());
  return domain.wake_at_end(wakeup);
}

Result<void> Work::refresh_memory(const Patience& patience) {
  BOOST_OUTCOME_TRY(domain.read_memory());
  BOOST_OUTCOME_TRY(domain.require_running());
  BOOST_OUTCOME_TRY(agent.take_report());
  BOOST_OUTCOME_TRY(limits.require_ours());
  return patience.require_wish();
}

host::Task<void> Work::consult(const Patience& patience, RequestKind kind, std::uint32_t stage,
                               Kib size) {
  auto answered = co_await agent.ask(kind, stage, size);
  MEMCTL_CO_TRY(refresh_memory(patience));
  if (!answered && domain.facts().domain.memory.paused) {
    co_return domain_error(domain.identity(), Cause::domain_paused, "the domain is paused");
  }
  co_return answered;
}

}  // namespace memctl::resize
