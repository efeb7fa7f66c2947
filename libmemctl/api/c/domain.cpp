// SPDX-License-Identifier: LGPL-2.1-or-later
#include <memory>
#include <utility>

#include "api/c/given.hpp"

using namespace memctl;
using namespace memctl::c;

namespace {

/// Hands out the answer of `ask(domain, options)`, which blocks.
template <class Struct, class Ask>
memctl_error* answer_at_once(memctl_domain* domain, const memctl_question_options* options,
                             Struct** answer, Ask ask) {
  return guarded([&]() -> Result<void> {
    BOOST_OUTCOME_TRY(clear(answer));
    BOOST_OUTCOME_TRY(const auto object, object_of<DomainObject>(domain));
    BOOST_OUTCOME_TRY(const auto given, question_options_of(options));
    BOOST_OUTCOME_TRY(const auto value, ask(object->domain, given));
    *answer = hand_out<Struct>(value);
    return success();
  });
}

/// Opens a handle of the answer that `ask(domain, options)` begins.
template <class Ask>
memctl_error* answer_later(memctl_domain* domain, const memctl_question_options* options,
                           memctl_operation** operation, Ask ask) {
  return guarded([&]() -> Result<void> {
    BOOST_OUTCOME_TRY(clear(operation));
    BOOST_OUTCOME_TRY(const auto object, object_of<DomainObject>(domain));
    BOOST_OUTCOME_TRY(const auto given, question_options_of(options));
    return open<OperationObject>(operation, object->host, ask(object->domain, given));
  });
}

/// Begins a resize with a handle, so that closing the host cancels it. Without a handle nobody
/// would know of it.
Result<Operation> begin_resize(const DomainObject& object, const SizeRequest& size,
                               ResizeOptions options, memctl_operation** handle) {
  const Operation begun = object.domain.resize(size, std::move(options));
  try {
    if (auto opened = open<OperationObject>(handle, object.host, begun); !opened) {
      begun.cancel();
      return std::move(opened).error();
    }
  } catch (...) {
    begun.cancel();
    throw;
  }
  return begun;
}

}  // namespace

extern "C" {

void memctl_domain_close(memctl_domain* domain) { close<DomainObject>(domain); }

memctl_error* memctl_domain_identity(memctl_domain* domain, memctl_identity** identity) {
  return guarded([&]() -> Result<void> {
    BOOST_OUTCOME_TRY(clear(identity));
    BOOST_OUTCOME_TRY(const auto object, object_of<DomainObject>(domain));
    *identity = hand_out<memctl_identity>(object->domain.identity());
    return success();
  });
}

memctl_error* memctl_domain_status(memctl_domain* domain, const memctl_question_options* options,
                                   memctl_status** status) {
  return answer_at_once(domain, options, status, [](const Domain& of, const ResizeOptions& given) {
    return of.status(status_options(given));
  });
}

memctl_error* memctl_domain_start_status(memctl_domain* domain,
                                         const memctl_question_options* options,
                                         memctl_operation** operation) {
  return answer_later(domain, options, operation, [](const Domain& of, const ResizeOptions& given) {
    return of.ask_status(status_options(given));
  });
}

memctl_error* memctl_domain_doctor(memctl_domain* domain, const memctl_question_options* options,
                                   memctl_findings** findings) {
  return answer_at_once(domain, options, findings,
                        [](const Domain& of, const ResizeOptions& given) {
                          return of.doctor(doctor_options(given));
                        });
}

memctl_error* memctl_domain_start_doctor(memctl_domain* domain,
                                         const memctl_question_options* options,
                                         memctl_operation** operation) {
  return answer_later(domain, options, operation, [](const Domain& of, const ResizeOptions& given) {
    return of.ask_doctor(doctor_options(given));
  });
}

memctl_error* memctl_domain_plan(memctl_domain* domain, memctl_size_kind kind, std::int64_t kib,
                                 const memctl_question_options* options, memctl_plan** plan) {
  return answer_at_once(domain, options, plan,
                        [&](const Domain& of, const ResizeOptions& given) -> Result<Plan> {
                          BOOST_OUTCOME_TRY(const auto size, size_of(kind, kib));
                          return of.plan_resize(size, plan_options(given));
                        });
}

memctl_error* memctl_domain_start_plan(memctl_domain* domain, memctl_size_kind kind,
                                       std::int64_t kib, const memctl_question_options* options,
                                       memctl_operation** operation) {
  return guarded([&]() -> Result<void> {
    BOOST_OUTCOME_TRY(clear(operation));
    BOOST_OUTCOME_TRY(const auto object, object_of<DomainObject>(domain));
    BOOST_OUTCOME_TRY(const auto size, size_of(kind, kib));
    BOOST_OUTCOME_TRY(const auto given, question_options_of(options));
    return open<OperationObject>(operation, object->host,
                                 object->domain.ask_plan(size, plan_options(given)));
  });
}

memctl_error* memctl_domain_resize(memctl_domain* domain, memctl_size_kind kind, std::int64_t kib,
                                   const memctl_resize_options* options, memctl_report** report) {
  return guarded([&]() -> Result<void> {
    if (report) *report = nullptr;
    BOOST_OUTCOME_TRY(auto given, resize_options_of(options));
    BOOST_OUTCOME_TRY(clear(report));
    BOOST_OUTCOME_TRY(const auto object, object_of<DomainObject>(domain));
    BOOST_OUTCOME_TRY(const auto size, size_of(kind, kib));
    BOOST_OUTCOME_TRY(require_may_block());
    memctl_operation* handle = nullptr;
    BOOST_OUTCOME_TRY(const auto operation, begin_resize(*object, size, std::move(given), &handle));
    const std::unique_ptr<memctl_operation, decltype(&memctl_operation_close)> closing{
        handle, memctl_operation_close};
    BOOST_OUTCOME_TRY(const auto value, operation.wait());
    *report = hand_out<memctl_report>(value);
    return success();
  });
}

memctl_error* memctl_domain_start_resize(memctl_domain* domain, memctl_size_kind kind,
                                         std::int64_t kib, const memctl_resize_options* options,
                                         memctl_operation** operation) {
  return guarded([&]() -> Result<void> {
    if (operation) *operation = nullptr;
    BOOST_OUTCOME_TRY(auto given, resize_options_of(options));
    BOOST_OUTCOME_TRY(clear(operation));
    BOOST_OUTCOME_TRY(const auto object, object_of<DomainObject>(domain));
    BOOST_OUTCOME_TRY(const auto size, size_of(kind, kib));
    BOOST_OUTCOME_TRY(begin_resize(*object, size, std::move(given), operation));
    return success();
  });
}

memctl_error* memctl_domain_recover(memctl_domain* domain, const memctl_resize_options* options,
                                    memctl_recovery** recovery) {
  return guarded([&]() -> Result<void> {
    if (recovery) *recovery = nullptr;
    BOOST_OUTCOME_TRY(auto given, resize_options_of(options));
    BOOST_OUTCOME_TRY(clear(recovery));
    BOOST_OUTCOME_TRY(const auto object, object_of<DomainObject>(domain));
    BOOST_OUTCOME_TRY(const auto value, object->domain.recover(given));
    *recovery = hand_out<memctl_recovery>(value);
    return success();
  });
}

memctl_error* memctl_domain_start_recovery(memctl_domain* domain,
                                           const memctl_resize_options* options,
                                           memctl_operation** operation) {
  return guarded([&]() -> Result<void> {
    if (operation) *operation = nullptr;
    BOOST_OUTCOME_TRY(auto given, resize_options_of(options));
    BOOST_OUTCOME_TRY(clear(operation));
    BOOST_OUTCOME_TRY(const auto object, object_of<DomainObject>(domain));
    return open<OperationObject>(operation, object->host,
                                 object->domain.start_recovery(std::move(given)));
  });
}
}
