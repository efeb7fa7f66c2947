// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/c/handed.hpp"

#include <algorithm>

#include "api/c/numbers.hpp"
#include "memctl/recovery.hpp"

namespace memctl::c {
namespace {

std::int64_t kib_of(const std::optional<Kib>& size) {
  return size ? size->count() : MEMCTL_UNKNOWN;
}

}  // namespace

const char* Arena::text(std::string_view text) {
  char* copy = allocate<char>(text.size() + 1);
  *std::ranges::copy(text, copy).out = '\0';
  return copy;
}

const char* const* Arena::texts(const std::vector<std::string>& texts) {
  auto* copies = allocate<const char*>(texts.size());
  for (std::size_t each = 0; each < texts.size(); ++each) copies[each] = text(texts[each]);
  return copies;
}

const std::int32_t* Arena::numbers(const std::vector<int>& numbers) {
  auto* copies = allocate<std::int32_t>(numbers.size());
  std::ranges::copy(numbers, copies);
  return copies;
}

void fill(memctl_identity& out, const DomainIdentity& identity, Arena& arena) {
  out.id = number(identity.id);
  out.type = number_of(identity.type);
  out.name = arena.text(identity.name);
  out.uuid = arena.text(identity.uuid);
}

void fill(memctl_identities& out, const std::vector<DomainIdentity>& identities, Arena& arena) {
  out.count = identities.size();
  out.identities = arena.all<memctl_identity>(identities);
}

void fill(memctl_range& out, const SizeRange& range, Arena& arena) {
  out.smallest_kib = range.smallest.size.count();
  out.largest_kib = range.largest.size.count();
  out.smallest_cause = number_of(range.smallest.cause);
  out.largest_cause = number_of(range.largest.cause);
  out.smallest_reason = arena.text(range.smallest.reason);
  out.largest_reason = arena.text(range.largest.reason);
  out.step_kib = range.step.count();
  out.step_from_kib = range.step_from.count();
}

void fill(memctl_numa_forecast& out, const NumaForecast& forecast, Arena& arena) {
  out.node_count = forecast.nodes.size();
  out.nodes = arena.numbers(forecast.nodes);
  out.local_kib = kib_of(forecast.local);
}

void fill(memctl_node_change& out, const NodeChange& change, Arena& /*arena*/) {
  out.node = change.node;
  out.free_kib = change.free.count();
}

void fill(memctl_numa_estimate& out, const NumaEstimate& estimate, Arena& arena) {
  out.node_count = estimate.nodes.size();
  out.nodes = arena.numbers(estimate.nodes);
  out.change_count = estimate.changes.size();
  out.changes = arena.all<memctl_node_change>(estimate.changes);
  out.local_kib = kib_of(estimate.local);
}

void fill(memctl_phase_time& out, const PhaseTime& time, Arena& /*arena*/) {
  out.phase = number_of(time.phase);
  out.spent_ms = time.spent.count();
}

void fill(memctl_report& out, const Report& report, Arena& arena) {
  out.outcome = number_of(report.outcome);
  out.cause = report.cause ? number_of(*report.cause) : MEMCTL_NO_CAUSE;
  out.message = arena.text(report.message);
  out.hint = arena.text(report.hint);
  out.domain = arena.make<memctl_identity>(report.domain);
  out.from_kib = report.from.count();
  out.requested_kib = report.requested.count();
  out.reached_kib = report.reached.count();
  out.guest_total_kib = kib_of(report.guest_total);
  out.limit_kib = report.limit.count();
  out.pool_kib = kib_of(report.pool);
  out.stages = report.stages;
  out.verified_xen = report.verified.xen;
  out.verified_blocks = report.verified.blocks;
  out.verified_guest_total = report.verified.guest_total;
  out.elapsed_ms = report.elapsed.count();
  out.residual_kib = report.residual.count();
  out.phase_count = report.phases.size();
  out.phases = arena.all<memctl_phase_time>(report.phases);
  out.numa_estimate =
      report.numa_estimate ? arena.make<memctl_numa_estimate>(*report.numa_estimate) : nullptr;
}

void fill(memctl_error& out, const Error& error, Arena& arena) {
  const bool has_cause = error.cause != Cause{};
  out.cause = has_cause ? number_of(error.cause) : MEMCTL_NO_CAUSE;
  out.has_raw = error.raw.has_value();
  out.raw = error.raw.value_or(0);
  out.message = arena.text(error.message);
  out.hint = arena.text(has_cause ? error.advice() : error.hint);
  out.range = error.range ? arena.make<memctl_range>(*error.range) : nullptr;
  out.nearest_kib = kib_of(error.nearest);
  out.log_count = error.log.size();
  out.log = arena.texts(error.log);
  out.report = error.report ? arena.make<memctl_report>(*error.report) : nullptr;
}

void fill(memctl_agent& out, const AgentStatus& agent, Arena& arena) {
  out.version = arena.text(agent.version);
  out.kernel_release = arena.text(agent.kernel_release);
  out.block_size_kib = agent.block_size.count();
}

void fill(memctl_status& out, const DomainStatus& status, Arena& arena) {
  out.domain = arena.make<memctl_identity>(status.domain);
  out.allocated_kib = status.allocated.count();
  out.target_kib = status.target.count();
  out.limit_kib = kib_of(status.limit);
  out.max_pages_kib = status.max_pages.count();
  out.boot_limit_kib = kib_of(status.boot_limit);
  out.pool_kib = kib_of(status.pool);
  out.agent = status.agent ? arena.make<memctl_agent>(*status.agent) : nullptr;
  out.reported_total_kib = kib_of(status.reported_total);
  out.reported_available_kib = kib_of(status.reported_available);
  out.range = status.range ? arena.make<memctl_range>(*status.range) : nullptr;
  out.refused_by = status.refused_by ? number_of(*status.refused_by) : MEMCTL_NO_CAUSE;
  out.refused_message = arena.text(status.refused_message);
  out.numa_forecast =
      status.numa_forecast ? arena.make<memctl_numa_forecast>(*status.numa_forecast) : nullptr;
}

void fill(memctl_stage& out, const Stage& stage, Arena& /*arena*/) {
  out.size_kib = stage.size.count();
  out.memmap_kib = stage.memmap.count();
  out.host_memory_kib = stage.host_memory.count();
  out.blocks = stage.blocks;
}

void fill(memctl_plan& out, const Plan& plan, Arena& arena) {
  out.domain = arena.make<memctl_identity>(plan.domain);
  out.from_kib = plan.from.count();
  out.to_kib = plan.to.count();
  out.limit_kib = plan.limit.count();
  out.earlier_limit_kib = plan.earlier_limit.count();
  out.pool_kib = kib_of(plan.pool);
  out.pool_growth_kib = plan.pool_growth.count();
  out.host_free_kib = plan.host_free.count();
  out.host_reserve_kib = plan.host_reserve.count();
  out.stage_count = plan.stages.size();
  out.stages = arena.all<memctl_stage>(plan.stages);
  out.range = arena.make<memctl_range>(plan.range);
  out.no_way_back = arena.text(plan.no_way_back);
  out.numa_forecast =
      plan.numa_forecast ? arena.make<memctl_numa_forecast>(*plan.numa_forecast) : nullptr;
}

void fill(memctl_finding& out, const Finding& finding, Arena& arena) {
  out.check = number_of(finding.check);
  out.severity = number_of(finding.severity);
  out.message = arena.text(finding.message);
  out.remedy = arena.text(finding.remedy);
}

void fill(memctl_findings& out, const std::vector<Finding>& findings, Arena& arena) {
  out.count = findings.size();
  out.findings = arena.all<memctl_finding>(findings);
}

void fill(memctl_recovery& out, const Recovery& recovery, Arena& arena) {
  out.report = recovery.report ? arena.make<memctl_report>(*recovery.report) : nullptr;
  out.unknown_claim_kib = recovery.unknown_claim.count();
}

void fill(memctl_event& out, const Event& event, Arena& /*arena*/) {
  out.phase = number_of(event.phase);
  out.stage = event.stage;
  out.from_kib = event.from.count();
  out.to_kib = event.to.count();
  out.now_kib = event.now.count();
  out.elapsed_ms = event.elapsed.count();
}

void fill(memctl_log_line& out, const LogLine& line, Arena& arena) {
  out.level = number_of(line.level);
  out.domain = line.domain ? arena.make<memctl_identity>(*line.domain) : nullptr;
  out.message = arena.text(line.message);
  out.kind = number_of(line.kind);
  out.report = line.report ? arena.make<memctl_report>(*line.report) : nullptr;
}

void fill(memctl_change& out, const DomainChange& change, Arena& arena) {
  out.change = number_of(change.change);
  out.domain = arena.make<memctl_identity>(change.domain);
}

}  // namespace memctl::c

extern "C" {

void memctl_identity_free(memctl_identity* identity) { memctl::c::take_back(identity); }
void memctl_identities_free(memctl_identities* identities) { memctl::c::take_back(identities); }
void memctl_status_free(memctl_status* status) { memctl::c::take_back(status); }
void memctl_plan_free(memctl_plan* plan) { memctl::c::take_back(plan); }
void memctl_findings_free(memctl_findings* findings) { memctl::c::take_back(findings); }
void memctl_report_free(memctl_report* report) { memctl::c::take_back(report); }
void memctl_recovery_free(memctl_recovery* recovery) { memctl::c::take_back(recovery); }
}
