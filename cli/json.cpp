// SPDX-License-Identifier: LGPL-2.1-or-later
#include "json.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "choice.hpp"
#include "status_columns.hpp"

namespace memctl::cli {
namespace {

using Json = nlohmann::ordered_json;

Json kib(std::optional<Kib> size) { return size ? Json(size->count()) : Json(nullptr); }

/// No domain has the size zero, so zero in a report means "not known".
Json kib_or_unknown(Kib size) { return size == Kib{} ? Json(nullptr) : Json(size.count()); }

Json named(std::optional<Cause> cause) {
  return cause ? Json(std::string{name(*cause)}) : Json(nullptr);
}

Json identity(const std::optional<DomainIdentity>& domain) {
  if (!domain) return nullptr;
  return {{"id", number(domain->id)},
          {"name", domain->name},
          {"type", std::string{name(domain->type)}}};
}

/// Guests and other tools wrote some of the texts, so bytes that are not UTF-8 are replaced.
/// Otherwise `dump` would throw.
std::string line(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json end_of_range(const RangeEnd& end) {
  return {{"size_kib", end.size.count()},
          {"cause", std::string{name(end.cause)}},
          {"reason", end.reason}};
}

Json range_json(const SizeRange* range) {
  if (range == nullptr) return nullptr;
  return {{"smallest", end_of_range(range->smallest)},
          {"largest", end_of_range(range->largest)},
          {"step_kib", range->step.count()},
          {"step_from_kib", range->step_from.count()}};
}

Json numa_forecast_json(const std::optional<NumaForecast>& forecast) {
  if (!forecast) return nullptr;
  return {{"nodes", forecast->nodes}, {"local_kib", kib(forecast->local)}};
}

Json numa_estimate_json(const NumaEstimate* estimate) {
  if (!estimate) return nullptr;
  Json changes = Json::array();
  for (const NodeChange& change : estimate->changes) {
    changes.push_back({{"node", change.node}, {"free_change_kib", change.free.count()}});
  }
  return {{"nodes", estimate->nodes},
          {"local_kib", kib(estimate->local)},
          {"changes", std::move(changes)}};
}

void put_error(Json& object, const std::optional<Error>& error) {
  object["cause"] = error ? named(error->cause) : Json(nullptr);
  object["message"] = error ? Json(error->message) : Json(nullptr);
  const bool advised = error && !error->advice().empty();
  object["hint"] = advised ? Json(std::string{error->advice()}) : Json(nullptr);
}

void put_log(Json& object, const std::optional<Error>& error) {
  object["raw"] = error && error->raw ? Json(*error->raw) : Json(nullptr);
  object["log"] = Json::array();
  if (error) object["log"] = error->log;
}

/// Stands in the place of a domain's object.
std::string error_json(const char* event, const Error& error) {
  Json object{{"event", event}, {"domain", nullptr}};
  put_error(object, error);
  return line(object);
}

std::string recovery_line(std::string_view outcome, const std::optional<DomainIdentity>& domain,
                          const std::optional<Error>& error, const std::optional<Report>& report,
                          Kib unknown_claim) {
  const Report figures = report.value_or(Report{});
  Json object{
      {"event", "recover"}, {"domain", identity(domain)}, {"outcome", std::string{outcome}}};
  put_error(object, error);
  object["from_kib"] = kib_or_unknown(figures.from);
  object["requested_kib"] = kib_or_unknown(figures.requested);
  object["reached_kib"] = kib_or_unknown(figures.reached);
  object["limit_kib"] = kib_or_unknown(figures.limit);
  object["pool_kib"] = kib(figures.pool);
  object["elapsed_ms"] = figures.elapsed.count();
  object["unknown_claim_kib"] = unknown_claim.count();
  put_log(object, error);
  return line(object);
}

}  // namespace

std::string progress_json(const Event& event, const DomainIdentity& domain) {
  return line({{"event", "progress"},
               {"domain", identity(domain)},
               {"phase", std::string{name(event.phase)}},
               {"stage", event.stage},
               {"from_kib", event.from.count()},
               {"to_kib", event.to.count()},
               {"now_kib", event.now.count()},
               {"elapsed_ms", event.elapsed.count()}});
}

std::string report_json(const Ending& ending) {
  const Report report = ending.report.value_or(Report{});
  Json object{{"event", "report"}, {"outcome", std::string{name(ending.outcome)}}};
  put_error(object, ending.error);
  object["domain"] = identity(ending.domain);
  object["from_kib"] = kib_or_unknown(report.from);
  object["requested_kib"] = kib(ending.requested);
  object["reached_kib"] = kib_or_unknown(report.reached);
  object["guest_total_kib"] = kib(report.guest_total);
  object["limit_kib"] = kib_or_unknown(report.limit);
  object["pool_kib"] = kib(report.pool);
  object["range"] = ending.error ? range_json(ending.error->range.get()) : Json(nullptr);
  object["nearest_kib"] = ending.error ? kib(ending.error->nearest) : Json(nullptr);
  object["stages"] = report.stages;
  object["elapsed_ms"] = ending.elapsed.count();
  object["phase_ms"] = Json::object();
  for (const PhaseTime& phase : report.phases) {
    Json& spent = object["phase_ms"][std::string{name(phase.phase)}];
    spent = (spent.is_null() ? 0 : spent.get<std::int64_t>()) + phase.spent.count();
  }
  object["residual_kib"] = report.residual.count();
  object["verified"] = {{"xen", report.verified.xen},
                        {"blocks", report.verified.blocks},
                        {"guest_total", report.verified.guest_total}};
  object["numa_estimate"] = numa_estimate_json(report.numa_estimate.get());
  put_log(object, ending.error);
  return line(object);
}

std::string plan_json(const Plan& plan) {
  Json stages = Json::array();
  for (const Stage& stage : plan.stages) {
    stages.push_back({{"size_kib", stage.size.count()},
                      {"blocks", stage.blocks},
                      {"memmap_kib", stage.memmap.count()},
                      {"host_memory_kib", stage.host_memory.count()}});
  }
  return line({{"event", "plan"},
               {"domain", identity(plan.domain)},
               {"from_kib", plan.from.count()},
               {"to_kib", plan.to.count()},
               {"limit_kib", plan.limit.count()},
               {"earlier_limit_kib", plan.earlier_limit.count()},
               {"pool_kib", kib(plan.pool)},
               {"pool_growth_kib", plan.pool_growth.count()},
               {"stored_pool_kib", kib(plan.stored_pool)},
               {"host_free_kib", plan.host_free.count()},
               {"host_reserve_kib", plan.host_reserve.count()},
               {"stages", stages},
               {"range", range_json(&plan.range)},
               {"no_way_back", plan.no_way_back.empty() ? Json(nullptr) : Json(plan.no_way_back)},
               {"numa_forecast", numa_forecast_json(plan.numa_forecast)}});
}

std::string status_json(const DomainStatus& status) {
  Json agent = nullptr;
  if (status.agent) {
    agent = {{"version", status.agent->version},
             {"kernel_release", status.agent->kernel_release},
             {"block_size_kib", status.agent->block_size.count()}};
  }
  Json refused_message = nullptr;
  if (!status.refused_message.empty()) refused_message = status.refused_message;
  return line({{"event", "status"},
               {"domain", identity(status.domain)},
               {"state", state_of(status)},
               {"size_kib", status.size.count()},
               {"allocated_kib", status.allocated.count()},
               {"target_kib", status.target.count()},
               {"limit_kib", kib(status.limit)},
               {"max_pages_kib", status.max_pages.count()},
               {"boot_limit_kib", kib(status.boot_limit)},
               {"pool_kib", kib(status.pool)},
               {"guest_total_kib", kib(status.reported_total)},
               {"guest_available_kib", kib(status.reported_available)},
               {"range", range_json(status.range ? &*status.range : nullptr)},
               {"refused_by", named(status.refused_by)},
               {"refused_message", refused_message},
               {"agent", agent},
               {"numa_forecast", numa_forecast_json(status.numa_forecast)}});
}

std::string status_error_json(const Error& error) { return error_json("status", error); }

std::string watch_json(std::string_view change, const DomainIdentity& domain,
                       const std::optional<DomainStatus>& status) {
  const auto figure = [&](Kib DomainStatus::*size) {
    return status ? Json(((*status).*size).count()) : Json(nullptr);
  };
  return line({{"event", "watch"},
               {"change", std::string{change}},
               {"domain", identity(domain)},
               {"size_kib", figure(&DomainStatus::size)},
               {"allocated_kib", figure(&DomainStatus::allocated)},
               {"target_kib", figure(&DomainStatus::target)},
               {"limit_kib", status ? kib(status->limit) : Json(nullptr)},
               {"guest_total_kib", status ? kib(status->reported_total) : Json(nullptr)},
               {"guest_available_kib", status ? kib(status->reported_available) : Json(nullptr)},
               {"state", status ? Json(state_of(*status)) : Json(nullptr)}});
}

std::string watch_error_json(const Error& error) { return error_json("watch", error); }

std::string recovery_json(const Recovery& recovery, const DomainIdentity& domain) {
  const std::optional<Report>& report = recovery.report;
  std::optional<Error> reason;
  if (report && report->cause) {
    reason = Error{.cause = *report->cause, .message = report->message, .hint = report->hint};
  }
  return recovery_line(report ? name(report->outcome) : "nothing", domain, reason, report,
                       recovery.unknown_claim);
}

std::string recovery_error_json(const Ending& ending) {
  return recovery_line(name(ending.outcome), ending.domain, ending.error, ending.report, Kib{});
}

std::string finding_json(const Finding& finding, const std::optional<DomainIdentity>& domain) {
  return line({{"event", "doctor"},
               {"subject", std::string{name(subject(finding.check))}},
               {"domain", identity(domain)},
               {"check", std::string{name(finding.check)}},
               {"severity", std::string{name(finding.severity)}},
               {"message", finding.message},
               {"remedy", finding.remedy.empty() ? Json(nullptr) : Json(finding.remedy)}});
}

std::string doctor_error_json(const Error& error) { return error_json("doctor", error); }

std::string config_json(const Configuration& configuration) {
  const auto line_of = [&](const char* key) {
    const auto found = configuration.lines.find(key);
    return found == configuration.lines.end() ? Json(nullptr) : Json(found->second);
  };
  const auto line_or_null = [](int number) { return number == 0 ? Json(nullptr) : Json(number); };
  const ResizeOptions& resize = configuration.resize;
  Json domains = Json::array();
  for (std::size_t each = 0; each < configuration.domain_lines.size(); ++each) {
    const DomainPolicy& entry = configuration.policy.domains[each];
    const DomainLines& lines = configuration.domain_lines[each];
    domains.push_back({{"name", entry.name},
                       {"minimum_kib", kib(entry.minimum)},
                       {"maximum_kib", kib(entry.maximum)},
                       {"lines",
                        {{"entry", lines.entry},
                         {"minimum", line_or_null(lines.minimum)},
                         {"maximum", line_or_null(lines.maximum)}}}});
  }
  return line({{"event", "config"},
               {"file", configuration.file},
               {"found", configuration.found},
               {"reserve_kib", configuration.policy.host_reserve.count()},
               {"host_numa", std::string{word_for(configuration.policy.numa, numa_choice)}},
               {"timeout_ms", resize.timeout ? Json(resize.timeout->count()) : Json(nullptr)},
               {"stall_ms", resize.stall.count()},
               {"on_failure", std::string{word_for(resize.on_failure, on_failure_choice)}},
               {"online", std::string{word_for(resize.online, online_choice)}},
               {"numa", std::string{word_for(resize.numa, numa_choice)}},
               {"lines",
                {{"reserve", line_of("host.reserve")},
                 {"host_numa", line_of("host.numa")},
                 {"timeout", line_of("resize.timeout")},
                 {"stall", line_of("resize.stall")},
                 {"on_failure", line_of("resize.on_failure")},
                 {"online", line_of("resize.online")},
                 {"numa", line_of("resize.numa")}}},
               {"domains", domains}});
}

std::string config_error_json(const Error& error) {
  Json object{{"event", "config"}};
  put_error(object, error);
  return line(object);
}

}  // namespace memctl::cli
