// SPDX-License-Identifier: LGPL-2.1-or-later
#include <array>
#include <chrono>
#include <string>
#include <utility>
#include <variant>

#include "api/c/given.hpp"

using namespace memctl;
using namespace memctl::c;

namespace {

/// Which function hands out the answer of an operation.
const char* answering(const OperationObject::UnderWay& under_way) {
  constexpr std::array functions = {"memctl_operation_report", "memctl_operation_status",
                                    "memctl_operation_findings", "memctl_operation_plan",
                                    "memctl_operation_recovery"};
  static_assert(functions.size() == std::variant_size_v<OperationObject::UnderWay>);
  return functions.at(under_way.index());
}

/// Hands out the answer of an operation of the kind `UnderWay`.
template <class UnderWay, class Struct>
memctl_error* answer_of(memctl_operation* operation, Struct** answer) {
  return guarded([&]() -> Result<void> {
    BOOST_OUTCOME_TRY(clear(answer));
    BOOST_OUTCOME_TRY(const auto object, object_of<OperationObject>(operation));
    const auto* under_way = std::get_if<UnderWay>(&object->under_way);
    if (!under_way) {
      return invalid("the memctl_operation has an answer of another kind",
                     std::string{"ask "} + answering(object->under_way) + " for its answer");
    }
    BOOST_OUTCOME_TRY(const auto value, under_way->wait());
    *answer = hand_out<Struct>(value);
    return success();
  });
}

}  // namespace

extern "C" {

void memctl_operation_close(memctl_operation* operation) { close<OperationObject>(operation); }

memctl_error* memctl_operation_done(memctl_operation* operation, bool* done) {
  return guarded([&]() -> Result<void> {
    BOOST_OUTCOME_TRY(require(done, "the pointer for the result"));
    *done = false;
    BOOST_OUTCOME_TRY(const auto object, object_of<OperationObject>(operation));
    *done = std::visit([](const auto& under_way) { return under_way.done(); }, object->under_way);
    return success();
  });
}

memctl_error* memctl_operation_wait(memctl_operation* operation) {
  return guarded([&]() -> Result<void> {
    BOOST_OUTCOME_TRY(const auto object, object_of<OperationObject>(operation));
    return std::visit(
        [](const auto& under_way) -> Result<void> {
          BOOST_OUTCOME_TRY(under_way.wait());
          return success();
        },
        object->under_way);
  });
}

memctl_error* memctl_operation_wait_for(memctl_operation* operation, std::int64_t milliseconds,
                                        bool* done) {
  return guarded([&]() -> Result<void> {
    BOOST_OUTCOME_TRY(require(done, "the pointer for the result"));
    *done = false;
    BOOST_OUTCOME_TRY(const auto object, object_of<OperationObject>(operation));
    BOOST_OUTCOME_TRY(const auto time, time_of(milliseconds, "milliseconds"));
    return std::visit(
        [&](const auto& under_way) -> Result<void> {
          const auto result = under_way.wait_for(time);
          if (!result) return success();
          *done = under_way.done();
          BOOST_OUTCOME_TRY(*result);
          return success();
        },
        object->under_way);
  });
}

memctl_error* memctl_operation_status(memctl_operation* operation, memctl_status** status) {
  return answer_of<Pending<DomainStatus>>(operation, status);
}
memctl_error* memctl_operation_findings(memctl_operation* operation, memctl_findings** findings) {
  return answer_of<Pending<std::vector<Finding>>>(operation, findings);
}
memctl_error* memctl_operation_plan(memctl_operation* operation, memctl_plan** plan) {
  return answer_of<Pending<Plan>>(operation, plan);
}
memctl_error* memctl_operation_report(memctl_operation* operation, memctl_report** report) {
  return answer_of<Operation>(operation, report);
}
memctl_error* memctl_operation_recovery(memctl_operation* operation, memctl_recovery** recovery) {
  return answer_of<Pending<Recovery>>(operation, recovery);
}

memctl_error* memctl_operation_cancel(memctl_operation* operation) {
  return guarded([&]() -> Result<void> {
    BOOST_OUTCOME_TRY(const auto object, object_of<OperationObject>(operation));
    const auto* resize = std::get_if<Operation>(&object->under_way);
    if (!resize) return invalid("the memctl_operation is no resize, and only those end early");
    resize->cancel();
    return success();
  });
}

memctl_error* memctl_operation_on_end(memctl_operation* operation, memctl_queue* queue,
                                      memctl_end_callback on_end, void* data,
                                      memctl_free_callback data_free) {
  return guarded([&]() -> Result<void> {
    const auto held = Data::hold(data, data_free);
    BOOST_OUTCOME_TRY(const auto object, object_of<OperationObject>(operation));
    BOOST_OUTCOME_TRY(const auto place, queue_of(queue));
    if (!on_end) return invalid("on_end is null");
    auto call = end_callback(on_end, held, place);
    std::visit([&](const auto& under_way) { under_way.on_end(std::move(call)); },
               object->under_way);
    return success();
  });
}

memctl_error* memctl_queue_open(memctl_queue** queue) {
  return guarded([&]() -> Result<void> {
    BOOST_OUTCOME_TRY(clear(queue));
    BOOST_OUTCOME_TRY(auto opened, CallbackQueue::open());
    return open<QueueObject>(queue, 0, std::move(opened));
  });
}

int memctl_queue_fd(memctl_queue* queue) {
  const auto object = std::dynamic_pointer_cast<QueueObject>(Handles::all().find(value_of(queue)));
  return object ? object->queue.fd() : -1;
}

memctl_error* memctl_queue_dispatch(memctl_queue* queue, std::size_t* called) {
  return guarded([&]() -> Result<void> {
    if (called) *called = 0;
    BOOST_OUTCOME_TRY(const auto object, object_of<QueueObject>(queue));
    const std::size_t count = object->queue.dispatch();
    if (called) *called = count;
    return success();
  });
}

void memctl_queue_close(memctl_queue* queue) { close<QueueObject>(queue); }
}
