// SPDX-License-Identifier: LGPL-2.1-or-later
#include "convert.hpp"

#include <chrono>
#include <string>

namespace memctl::python {
namespace py = pybind11;
namespace {

/// A class of the package, looked up once. It lives as long as the process, because nothing may
/// release it after the interpreter has ended.
class Class {
 public:
  Class(const char* module, const char* name) : module_{module}, name_{name} {}
  py::handle get() {
    if (!found_) found_ = py::object{py::module_::import(module_).attr(name_)}.release();
    return found_;
  }
  template <class... Values>
  py::object operator()(Values&&... values) {
    return get()(std::forward<Values>(values)...);
  }

 private:
  const char* module_;
  const char* name_;
  py::handle found_{};
};

/// The members of an enumeration of the package, by the library's values.
template <class Enum>
class Members {
 public:
  explicit Members(const char* name) : class_{"memctl.names", name} {}
  py::object operator()(Enum value) {
    const auto index = static_cast<std::size_t>(value);
    if (index >= found_.size()) found_.resize(index + 1);
    if (!found_[index]) found_[index] = class_(to_python(name(value))).release();
    return py::reinterpret_borrow<py::object>(found_[index]);
  }

 private:
  Class class_;
  std::vector<py::handle> found_{};
};

py::object cause_of(Cause cause) {
  static Members<Cause> members{"Cause"};
  return members(cause);
}
py::object phase_of(Phase phase) {
  static Members<Phase> members{"Phase"};
  return members(phase);
}
py::object type_of(DomainType type) {
  static Members<DomainType> members{"DomainType"};
  return members(type);
}
py::object outcome_of(Outcome outcome) {
  static Members<Outcome> members{"Outcome"};
  return members(outcome);
}

/// Skips the checks of the constructor, because the library's sizes are valid.
py::object size_of(Kib size) {
  static Class size_class{"memctl.size", "Size"};
  const py::tuple arguments = py::make_tuple(size.count() * 1024);
  auto* made = PyLong_Type.tp_new(reinterpret_cast<PyTypeObject*>(size_class.get().ptr()),
                                  arguments.ptr(), nullptr);
  if (made == nullptr) throw py::error_already_set{};
  return py::reinterpret_steal<py::object>(made);
}

/// `value` is optional, or a pointer.
template <class Optional, class Convert>
py::object or_none(const Optional& value, Convert convert) {
  if (!value) return py::none{};
  return convert(*value);
}

py::object end_of(const RangeEnd& end) {
  static Class end_class{"memctl.records", "RangeEnd"};
  return end_class(size_of(end.size), cause_of(end.cause), to_python(end.reason));
}

py::object range_of(const SizeRange& range) {
  static Class range_class{"memctl.records", "SizeRange"};
  return range_class(end_of(range.smallest), end_of(range.largest), size_of(range.step),
                     size_of(range.step_from));
}

py::tuple nodes_of(const std::vector<int>& nodes) {
  py::tuple made{nodes.size()};
  for (std::size_t each = 0; each < nodes.size(); ++each) made[each] = nodes[each];
  return made;
}

py::object forecast_of(const NumaForecast& forecast) {
  static Class forecast_class{"memctl.numa", "NumaForecast"};
  return forecast_class(nodes_of(forecast.nodes), or_none(forecast.local, size_of));
}

py::object estimate_of(const NumaEstimate& estimate) {
  static Class estimate_class{"memctl.numa", "NumaEstimate"};
  static Class change_class{"memctl.numa", "NodeChange"};
  py::tuple changes{estimate.changes.size()};
  for (std::size_t each = 0; each < changes.size(); ++each) {
    changes[each] = change_class(estimate.changes[each].node, size_of(estimate.changes[each].free));
  }
  return estimate_class(nodes_of(estimate.nodes), changes, or_none(estimate.local, size_of));
}

double seconds(std::chrono::milliseconds time) { return static_cast<double>(time.count()) / 1e3; }

}  // namespace

py::str to_python(std::string_view text) {
  auto* made = PyUnicode_DecodeUTF8(text.data(), static_cast<py::ssize_t>(text.size()), "replace");
  if (made == nullptr) throw py::error_already_set{};
  return py::reinterpret_steal<py::str>(made);
}

py::object to_python(const Stage& stage) {
  static Class stage_class{"memctl.records", "Stage"};
  return stage_class(size_of(stage.size), stage.blocks, size_of(stage.memmap),
                     size_of(stage.host_memory));
}

py::object to_python(const AgentStatus& agent) {
  static Class agent_class{"memctl.records", "AgentStatus"};
  return agent_class(to_python(agent.version), to_python(agent.kernel_release),
                     size_of(agent.block_size));
}

py::object to_python(const PhaseTime& time) {
  static Class time_class{"memctl.records", "PhaseTime"};
  return time_class(phase_of(time.phase), seconds(time.spent));
}

py::object to_python(const DomainIdentity& domain) {
  static Class identity{"memctl.records", "DomainIdentity"};
  return identity(number(domain.id), to_python(domain.name), type_of(domain.type),
                  to_python(domain.uuid));
}

py::object to_python(const DomainStatus& status) {
  static Class status_class{"memctl.records", "Status"};
  return status_class(
      to_python(status.domain), to_python(state_of(status)), size_of(status.size),
      size_of(status.allocated), size_of(status.target), or_none(status.limit, size_of),
      size_of(status.max_pages), or_none(status.boot_limit, size_of), or_none(status.pool, size_of),
      or_none(status.agent, [](const AgentStatus& agent) { return to_python(agent); }),
      or_none(status.reported_total, size_of), or_none(status.reported_available, size_of),
      or_none(status.range, range_of), or_none(status.refused_by, cause_of),
      to_python(status.refused_message), or_none(status.numa_forecast, forecast_of));
}

py::object to_python(const Plan& plan) {
  static Class plan_class{"memctl.records", "Plan"};
  return plan_class(
      to_python(plan.domain), size_of(plan.from), size_of(plan.to), size_of(plan.limit),
      size_of(plan.earlier_limit), or_none(plan.pool, size_of), size_of(plan.pool_growth),
      size_of(plan.host_free), size_of(plan.host_reserve), to_python(plan.stages),
      range_of(plan.range),
      plan.no_way_back.empty() ? py::object{py::none()} : py::object{to_python(plan.no_way_back)},
      or_none(plan.numa_forecast, forecast_of));
}

py::object to_python(const Report& report) {
  static Class report_class{"memctl.records", "Report"};
  static Class verified_class{"memctl.records", "Verified"};
  return report_class(
      outcome_of(report.outcome), or_none(report.cause, cause_of), to_python(report.message),
      to_python(report.hint), to_python(report.domain), size_of(report.from),
      size_of(report.requested), size_of(report.reached), or_none(report.guest_total, size_of),
      size_of(report.limit), or_none(report.pool, size_of), report.stages, seconds(report.elapsed),
      to_python(report.phases), size_of(report.residual),
      verified_class(report.verified.xen, report.verified.blocks, report.verified.guest_total),
      or_none(report.numa_estimate, estimate_of));
}

py::object to_python(const Event& event) {
  static Class event_class{"memctl.records", "Event"};
  return event_class(phase_of(event.phase), event.stage, size_of(event.from), size_of(event.to),
                     size_of(event.now), seconds(event.elapsed));
}

py::object to_python(const DomainChange& change) {
  static Class change_class{"memctl.records", "DomainChange"};
  static Members<Change> kind{"Change"};
  return change_class(kind(change.change), to_python(change.domain));
}

py::object to_python(const Finding& finding) {
  static Class finding_class{"memctl.records", "Finding"};
  static Members<Check> check{"Check"};
  static Members<Subject> subject_of{"Subject"};
  static Members<Severity> severity{"Severity"};
  return finding_class(check(finding.check), subject_of(subject(finding.check)),
                       severity(finding.severity), to_python(finding.message),
                       to_python(finding.remedy));
}

py::object to_python(const DomainRecovery& recovery) {
  static Class recovery_class{"memctl.records", "Recovery"};
  const auto& result = recovery.result;
  const auto domain = to_python(recovery.domain);
  if (!result) {
    return recovery_class(domain, py::none{}, size_of(Kib{}),
                          to_python(result.error(), recovery.domain));
  }
  const Recovery& found = result.value();
  return recovery_class(
      domain, or_none(found.report, [](const Report& report) { return to_python(report); }),
      size_of(found.unknown_claim), py::none{});
}

py::object to_python(const Error& error, const std::optional<DomainIdentity>& domain) {
  static Class make_error{"memctl.errors", "from_library"};
  const auto whom = error.report ? std::optional{error.report->domain} : domain;
  return make_error(
      cause_of(error.cause), to_python(error.message), to_python(error.advice()),
      or_none(whom, [](const DomainIdentity& identity) { return to_python(identity); }),
      error.report ? to_python(*error.report) : py::none{}, or_none(error.range, range_of),
      or_none(error.nearest, size_of), or_none(error.raw, [](int raw) { return py::int_(raw); }),
      to_python(error.log));
}

void raise(const py::object& exception) {
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.ptr())), exception.ptr());
  throw py::error_already_set{};
}

DomainIdentity identity_from(const py::object& domain) {
  DomainIdentity identity{.id = DomainId{domain.attr("id").cast<std::uint32_t>()},
                          .name = domain.attr("name").cast<std::string>(),
                          .uuid = domain.attr("uuid").cast<std::string>()};
  const auto type = domain.attr("type").cast<std::string>();
  for (const DomainType one : {DomainType::pv, DomainType::pvh, DomainType::hvm}) {
    if (type == name(one)) identity.type = one;
  }
  return identity;
}

}  // namespace memctl::python
