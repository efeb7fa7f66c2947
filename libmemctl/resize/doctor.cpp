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

namespace memctl::resize {
namespace {

/// Reads the claim of a domain. An operation may begin or end meanwhile: it makes its record before
/// it claims, and removes the record last. So the record of a claim that nobody seems to own is
/// read again.
Result<void> examine_claim(ObservedDomain& domain) {
  BOOST_OUTCOME_TRY(domain.read_memory());
  const plan::Input& facts = domain.facts();
  const bool claimed = facts.domain.memory.claim > Pages{};
  if (!claimed || facts.holder.state != plan::Holder::State::none) return success();
  return domain.read_holder();
}

}  // namespace

host::Task<std::vector<Finding>> examine_host(host::Port& port, Kib reserve) {
  plan::HostExam exam{.reserve = reserve};
  BOOST_OUTCOME_CO_TRY(exam.host, port.hypervisor().host_facts());
  BOOST_OUTCOME_CO_TRY(exam.settings, port.hypervisor().host_settings());
  co_return plan::diagnose_host(exam);
}

host::Task<std::vector<Finding>> examine_domain(host::Port& port, DomainIdentity domain,
                                                Question question) {
  const DomainId id = domain.id;
  question.terms.agentless = false;  // the agent is one of the things that the doctor looks at
  Inquiry inquiry{port, std::move(domain), question};
  MEMCTL_CO_TRY(inquiry.agent.open());
  MEMCTL_CO_TRY(co_await inquiry.gather(inquiry.unhurried));
  MEMCTL_CO_TRY(examine_claim(inquiry.domain));
  const auto saving = inquiry.domain.read_save();
  if (!saving && saving.error().cause == Cause::no_such_domain) co_return saving.error();
  plan::DomainExam exam{.facts = inquiry.domain.facts(),
                        .agent_error = inquiry.agent.error(),
                        .library_version = std::string{version()}};
  BOOST_OUTCOME_CO_TRY(exam.hello, guest::Mailbox(port.store(), id).hello());
  std::vector<Finding> findings = plan::diagnose_domain(exam);
  for (Finding& finding : plan::diagnose_guest(exam)) findings.push_back(std::move(finding));
  co_return findings;
}

}  // namespace memctl::resize
