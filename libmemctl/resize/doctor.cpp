// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Gathers what the diagnosis goes by.
#include "resize/doctor.hpp"

#include <string>
#include <utility>

#include "guest/mailbox.hpp"
#include "memctl/version.hpp"
#include "plan/diagnosis.hpp"
#include "resize/context.hpp"
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

/// The claim and the record that go with each other: an operation may begin or end between two
/// looks, so what looks left behind is looked at again. The record is made first and goes last.
Result<void> examine_leftovers(host::Port& port, plan::DomainExam& exam) {
  const DomainId id = exam.facts.domain.identity.id;
  Journal journal{port.store(), id};
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
  Context context{port, std::move(domain), std::move(options)};
  BOOST_OUTCOME_CO_TRY(context.open());
  plan::DomainExam exam{.library_version = std::string{version()}};
  BOOST_OUTCOME_CO_TRY(exam.facts, co_await context.gather());
  exam.agent_error = context.agent_error();
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
