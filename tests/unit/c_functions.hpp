// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Every function of the C interface, to be called with anything. The arguments follow from the
// function's type, so a new function needs a line in the table here and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "c_host.hpp"
#include "memctl/memctl.h"

namespace memctl {

/// What functions are called with; each takes what its type names.
struct Given {
  memctl_host* host{};
  memctl_domain* domain{};
  memctl_operation* operation{};
  memctl_watch* watch{};
  memctl_queue* queue{};
  const memctl_host_options* host_options{};
  const memctl_policy* policy{};
  const memctl_question_options* question{};
  const memctl_resize_options* resize{};
  const memctl_identity* identity{};
  const char* text{"g0"};
  bool has_place{true};  ///< False: null where the result would go.
};

inline void end(memctl_host* handle) { memctl_host_close(handle); }
inline void end(memctl_domain* handle) { memctl_domain_close(handle); }
inline void end(memctl_operation* handle) { memctl_operation_close(handle); }
inline void end(memctl_watch* handle) { memctl_watch_stop(handle); }
inline void end(memctl_queue* handle) { memctl_queue_close(handle); }
inline void end(memctl_identity* result) { memctl_identity_free(result); }
inline void end(memctl_identities* result) { memctl_identities_free(result); }
inline void end(memctl_status* result) { memctl_status_free(result); }
inline void end(memctl_plan* result) { memctl_plan_free(result); }
inline void end(memctl_findings* result) { memctl_findings_free(result); }
inline void end(memctl_report* result) { memctl_report_free(result); }
inline void end(memctl_recovery* result) { memctl_recovery_free(result); }

/// An argument of a type that is no result: what `Given` has of it.
template <class T>
class Argument {
 public:
  explicit Argument(const Given& given) : given_{given} {}
  T get() {
    if constexpr (std::is_same_v<T, memctl_host*>) return given_.host;
    if constexpr (std::is_same_v<T, memctl_domain*>) return given_.domain;
    if constexpr (std::is_same_v<T, memctl_operation*>) return given_.operation;
    if constexpr (std::is_same_v<T, memctl_queue*>) return given_.queue;
    if constexpr (std::is_same_v<T, const memctl_host_options*>) return given_.host_options;
    if constexpr (std::is_same_v<T, const memctl_policy*>) return given_.policy;
    if constexpr (std::is_same_v<T, const memctl_question_options*>) return given_.question;
    if constexpr (std::is_same_v<T, const memctl_resize_options*>) return given_.resize;
    if constexpr (std::is_same_v<T, const memctl_identity*>) return given_.identity;
    if constexpr (std::is_same_v<T, const char*>) return given_.text;
    if constexpr (std::is_same_v<T, memctl_change_callback>) return on_change;
    if constexpr (std::is_same_v<T, memctl_end_callback>) return on_end;
    if constexpr (std::is_same_v<T, void*>) return nullptr;
    if constexpr (std::is_same_v<T, std::int64_t>) return 1 << 18;
    if constexpr (std::is_same_v<T, memctl_size_kind>) return MEMCTL_SIZE_ABSOLUTE;
  }

 private:
  const Given& given_;
};

/// The place for a result that is a number.
template <class T>
requires std::is_arithmetic_v<T>
class Argument<T*> {
 public:
  explicit Argument(const Given& given) : has_place_{given.has_place} {}
  T* get() { return has_place_ ? &value_ : nullptr; }

 private:
  bool has_place_;
  T value_{};
};

/// The place for a result that has to be ended.
template <class T>
class Argument<T**> {
 public:
  explicit Argument(const Given& given) : has_place_{given.has_place} {}
  Argument(const Argument&) = delete;
  Argument& operator=(const Argument&) = delete;
  ~Argument() { end(result_); }
  T** get() { return has_place_ ? &result_ : nullptr; }

 private:
  bool has_place_;
  T* result_{};
};

enum class Waits { no, yes };

struct Function {
  std::string name;
  Waits waits;  ///< Whether it may block for what the host does.
  bool takes_host, takes_domain, takes_operation, takes_queue;
  bool takes_struct;
  bool has_result;
  std::function<memctl_cause(const Given&)> call;

  [[nodiscard]] bool takes_handle() const {
    return takes_host || takes_domain || takes_operation || takes_queue;
  }
};

template <class T>
inline constexpr bool is_struct =
    std::is_same_v<T, const memctl_host_options*> || std::is_same_v<T, const memctl_policy*> ||
    std::is_same_v<T, const memctl_question_options*> ||
    std::is_same_v<T, const memctl_resize_options*> || std::is_same_v<T, const memctl_identity*>;

template <class... Types>
Function function(const char* name, Waits waits, memctl_error* (*called)(Types...)) {
  const auto takes = [](auto* of) { return (std::is_same_v<decltype(of), Types> || ...); };
  return {.name = name,
          .waits = waits,
          .takes_host = takes(static_cast<memctl_host*>(nullptr)),
          .takes_domain = takes(static_cast<memctl_domain*>(nullptr)),
          .takes_operation = takes(static_cast<memctl_operation*>(nullptr)),
          .takes_queue = takes(static_cast<memctl_queue*>(nullptr)),
          .takes_struct = (is_struct<Types> || ...),
          // The number of calls that memctl_queue_dispatch tells is the only one that may be null.
          .has_result = ((std::is_pointer_v<std::remove_pointer_t<Types>> ||
                          std::is_same_v<Types, bool*> || std::is_same_v<Types, std::int64_t*>) ||
                         ...),
          .call = [called](const Given& given) {
            return [&](auto&&... each) {
              return cause_of(called(each.get()...));
            }(Argument<Types>{given}...);
          }};
}

/// Every function that returns an error.
inline std::vector<Function> functions() {
  constexpr auto no = Waits::no;
  constexpr auto yes = Waits::yes;
#define FUNCTION(name, waits) function(#name, waits, name)
  return {FUNCTION(memctl_parse_size, no),          FUNCTION(memctl_host_open, no),
          FUNCTION(memctl_host_set_policy, no),     FUNCTION(memctl_host_domains, yes),
          FUNCTION(memctl_host_find, yes),          FUNCTION(memctl_host_domain, no),
          FUNCTION(memctl_host_doctor, yes),        FUNCTION(memctl_host_start_doctor, no),
          FUNCTION(memctl_host_watch, yes),         FUNCTION(memctl_domain_identity, no),
          FUNCTION(memctl_domain_status, yes),      FUNCTION(memctl_domain_doctor, yes),
          FUNCTION(memctl_domain_plan, yes),        FUNCTION(memctl_domain_resize, yes),
          FUNCTION(memctl_domain_recover, yes),     FUNCTION(memctl_domain_start_status, no),
          FUNCTION(memctl_domain_start_doctor, no), FUNCTION(memctl_domain_start_plan, no),
          FUNCTION(memctl_domain_start_resize, no), FUNCTION(memctl_domain_start_recovery, no),
          FUNCTION(memctl_operation_done, no),      FUNCTION(memctl_operation_wait, yes),
          FUNCTION(memctl_operation_wait_for, yes), FUNCTION(memctl_operation_status, yes),
          FUNCTION(memctl_operation_findings, yes), FUNCTION(memctl_operation_plan, yes),
          FUNCTION(memctl_operation_report, yes),   FUNCTION(memctl_operation_recovery, yes),
          FUNCTION(memctl_operation_cancel, no),    FUNCTION(memctl_operation_on_end, no),
          FUNCTION(memctl_queue_open, no),          FUNCTION(memctl_queue_dispatch, no)};
#undef FUNCTION
}

/// The functions that return none, by what they do.
inline std::vector<std::string> ending_functions() {
  return {"memctl_error_free",     "memctl_identity_free", "memctl_identities_free",
          "memctl_status_free",    "memctl_plan_free",     "memctl_findings_free",
          "memctl_report_free",    "memctl_recovery_free", "memctl_host_close",
          "memctl_domain_close",   "memctl_watch_stop",    "memctl_queue_close",
          "memctl_operation_close"};
}
inline std::vector<std::string> telling_functions() {
  return {"memctl_version",        "memctl_cause_name",  "memctl_domain_type_name",
          "memctl_outcome_name",   "memctl_phase_name",  "memctl_check_name",
          "memctl_severity_name",  "memctl_change_name", "memctl_log_level_name",
          "memctl_line_kind_name", "memctl_cause_named", "memctl_queue_fd"};
}

}  // namespace memctl
