// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the C interface hands out: structs that own everything inside.
#pragma once

#include <memory>
#include <memory_resource>
#include <string_view>
#include <type_traits>
#include <vector>

#include "memctl/domain.hpp"
#include "memctl/log.hpp"
#include "memctl/memctl.h"
#include "memctl/watch.hpp"

namespace memctl::c {

/// Memory that ends as a whole. Only what needs no destructor lives in it.
class Arena {
 public:
  [[nodiscard]] const char* text(std::string_view text);
  /// The struct that `fill` makes of `value`.
  template <class Struct, class Value>
  [[nodiscard]] const Struct* make(const Value& value);
  /// Pointers to the structs that `fill` makes of `values`.
  template <class Struct, class Value>
  [[nodiscard]] const Struct* const* all(const std::vector<Value>& values);
  [[nodiscard]] const char* const* texts(const std::vector<std::string>& texts);
  [[nodiscard]] const std::int32_t* numbers(const std::vector<int>& numbers);

 private:
  template <class T>
  [[nodiscard]] T* allocate(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    return static_cast<T*>(memory_.allocate(count * sizeof(T), alignof(T)));
  }
  std::pmr::monotonic_buffer_resource memory_{};
};

/// Each fills in everything but the size.
void fill(memctl_identity& out, const DomainIdentity& identity, Arena& arena);
void fill(memctl_identities& out, const std::vector<DomainIdentity>& identities, Arena& arena);
void fill(memctl_range& out, const SizeRange& range, Arena& arena);
void fill(memctl_numa_forecast& out, const NumaForecast& forecast, Arena& arena);
void fill(memctl_node_change& out, const NodeChange& change, Arena& arena);
void fill(memctl_numa_estimate& out, const NumaEstimate& estimate, Arena& arena);
void fill(memctl_phase_time& out, const PhaseTime& time, Arena& arena);
void fill(memctl_report& out, const Report& report, Arena& arena);
void fill(memctl_error& out, const Error& error, Arena& arena);
void fill(memctl_agent& out, const AgentStatus& agent, Arena& arena);
void fill(memctl_status& out, const DomainStatus& status, Arena& arena);
void fill(memctl_stage& out, const Stage& stage, Arena& arena);
void fill(memctl_plan& out, const Plan& plan, Arena& arena);
void fill(memctl_finding& out, const Finding& finding, Arena& arena);
void fill(memctl_findings& out, const std::vector<Finding>& findings, Arena& arena);
void fill(memctl_recovery& out, const Recovery& recovery, Arena& arena);
void fill(memctl_event& out, const Event& event, Arena& arena);
void fill(memctl_log_line& out, const LogLine& line, Arena& arena);
void fill(memctl_change& out, const DomainChange& change, Arena& arena);

/// A struct and what it owns.
template <class Struct>
struct Handed : Struct {
  Arena arena{};
};

/// A struct for the caller, of a value of the library. `take_back` ends it.
template <class Struct, class Value>
[[nodiscard]] Struct* hand_out(const Value& value) {
  auto handed = std::make_unique<Handed<Struct>>();
  handed->size = sizeof(Struct);
  fill(*handed, value, handed->arena);
  return handed.release();
}
template <class Struct>
void take_back(Struct* handed) noexcept {
  delete static_cast<Handed<Struct>*>(handed);
}

template <class Struct, class Value>
const Struct* Arena::make(const Value& value) {
  auto* made = new (allocate<Struct>(1)) Struct{};
  made->size = sizeof(Struct);
  fill(*made, value, *this);
  return made;
}

template <class Struct, class Value>
const Struct* const* Arena::all(const std::vector<Value>& values) {
  auto* made = allocate<const Struct*>(values.size());
  for (std::size_t each = 0; each < values.size(); ++each) made[each] = make<Struct>(values[each]);
  return made;
}

}  // namespace memctl::c
