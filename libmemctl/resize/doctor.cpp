// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reads what the diagnosis needs.
#include "resize/doctor.hpp"

#include <string>
#include <utility>

#include "guest/mailbox.hpp"
#include "memctl/version.hpp"
#include "plan/diagnosis.hpp"
#include "resize/inquiry.hpp"
#include "resize/journal.hpp"

namespace memctl::resize {
namespace {

using State = plan::Holder::State;

Result<plan::Holder> read_holder(host::Port& port, Journal& journal) {
  const auto record = journal.read();
  if (!record) {
    if (record.error().cause != Cause::journal_damaged) return record.error();
    return plan::Holder{.state = State::damaged};
  }
  if (!record.value()) return plan::Holder{};
  const std::string& owner = record.value()->owner;
  return plan::Holder{.state = port.is_alive(owner) ? State::alive : State::dead, .owner = owner};
}

/// Reads the record and the claim of a domain. An operation may begin or end between the two, so
/// whatever seems to be left behind is read again. An operation makes its record first, and removes
/// it last.
Result<void> examine_leftovers(host::Port& port, plan::DomainExam& exam) {
  const DomainId id = exam.facts.domain.identity.id;
  Journal journal{port.store(), exam.facts.domain.identity};
  BOOST_OUTCOME_TRY(exam.holder, read_holder(port, journal));
  if (exam.holder.state == State::dead) {
    BOOST_OUTCOME_TRY(exam.holder, read_holder(port, journal));
  }
  BOOST_OUTCOME_TRY(exam.facts.domain.memory, port.hypervisor().domain_memory(id));
  const bool claimed = exam.facts.domain.memory.claim > Pages{};
  if (claimed && exam.holder.state == State::none) {
    BOOST_OUTCOME_TRY(exam.holder, read_holder(port, journal));
  }
  return success();
}

}  // namespace

host::Task<std::vector<Finding>> examine_host(host::Port& port, Kib reserve) {
  plan::HostExam exam{.reserve = reserve};
  BOOST_OUTCOME_CO_TRY(exam.host, port.hypervisor().host_facts());
  BOOST_OUTCOME_CO_TRY(exam.settings, port.hypervisor().host_settings());
  co_return plan::diagnose_host(exam);
}

host::Task<std::vector<Finding>> examine_domain(host::Port& port, DomainIdentity domain,
                                                ResizeOptions options) {
  const DomainId id = domain.id;
  options.agentless = false;  // the agent is one of the things that the doctor looks at
  Inquiry inquiry{port, std::move(domain), std::move(options)};
  BOOST_OUTCOME_CO_TRY(inquiry.agent.open());
  BOOST_OUTCOME_CO_TRY(co_await inquiry.gather(inquiry.unhurried));
  plan::DomainExam exam{.facts = inquiry.domain.facts(),
                        .agent_error = inquiry.agent.error(),
                        .library_version = std::string{version()}};
  BOOST_OUTCOME_CO_TRY(exam.hello, guest::Mailbox(port.store(), id).hello());
  BOOST_OUTCOME_CO_TRY(examine_leftovers(port, exam));
  const auto saving = port.hypervisor().save_in_progress(id);
  if (saving) {
    exam.being_saved = saving.value();
  } else if (saving.error().cause == Cause::no_such_domain) {
    co_return saving.error();
  }
  std::vector<Finding> findings = plan::diagnose_domain(exam);
  for (Finding& finding : plan::diagnose_guest(exam)) findings.push_back(std::move(finding));
  co_return findings;
}

}  // namespace memctl::resize
