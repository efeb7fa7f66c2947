// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Converts the library's values to the package's classes, which records.py and errors.py declare.
// Everything here needs the interpreter's lock.
#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <string_view>
#include <vector>

#include "memctl/doctor.hpp"
#include "memctl/domain_info.hpp"
#include "memctl/error.hpp"
#include "memctl/plan.hpp"
#include "memctl/recovery.hpp"
#include "memctl/report.hpp"
#include "memctl/resize.hpp"
#include "memctl/watch.hpp"

namespace memctl::python {

/// Guests wrote some of the texts, so bytes that are not UTF-8 are replaced.
[[nodiscard]] pybind11::str to_python(std::string_view text);
[[nodiscard]] pybind11::object to_python(const DomainIdentity& domain);
[[nodiscard]] pybind11::object to_python(const DomainStatus& status);
[[nodiscard]] pybind11::object to_python(const AgentStatus& agent);
[[nodiscard]] pybind11::object to_python(const Stage& stage);
[[nodiscard]] pybind11::object to_python(const PhaseTime& time);
[[nodiscard]] pybind11::object to_python(const Plan& plan);
[[nodiscard]] pybind11::object to_python(const Report& report);
[[nodiscard]] pybind11::object to_python(const Event& event);
[[nodiscard]] pybind11::object to_python(const DomainChange& change);
[[nodiscard]] pybind11::object to_python(const Finding& finding);
[[nodiscard]] pybind11::object to_python(const DomainRecovery& recovery);
/// Makes an exception without raising it. `domain`: the domain, if the error carries no report.
[[nodiscard]] pybind11::object to_python(const Error& error,
                                         const std::optional<DomainIdentity>& domain);
/// A tuple.
template <class T>
[[nodiscard]] pybind11::tuple to_python(const std::vector<T>& values) {
  pybind11::tuple tuple{values.size()};
  for (std::size_t i = 0; i < values.size(); ++i) tuple[i] = to_python(values[i]);
  return tuple;
}

/// Throws `error_already_set`.
[[noreturn]] void raise(const pybind11::object& exception);

/// Returns the value, or throws the error as a Python exception.
template <class T>
[[nodiscard]] T value_or_raise(Result<T> result,
                               const std::optional<DomainIdentity>& domain = std::nullopt) {
  if (!result) raise(to_python(result.error(), domain));
  return std::move(result).value();
}

[[nodiscard]] DomainIdentity identity_from(const pybind11::object& domain);

}  // namespace memctl::python
