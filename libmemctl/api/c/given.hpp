// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the caller of the C interface gives: structs, numbers and callbacks, checked.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "api/c/call.hpp"
#include "memctl/policy.hpp"
#include "memctl/question.hpp"

namespace memctl::c {

/// What a callback is called with. Its end tells the caller that the callback has no more calls.
class Data {
 public:
  /// If there is no memory for it, the caller is told before the exception leaves.
  [[nodiscard]] static std::shared_ptr<Data> hold(void* data, memctl_free_callback free);
  Data(void* data, memctl_free_callback free) : data_{data}, free_{free} {}
  Data(const Data&) = delete;
  Data& operator=(const Data&) = delete;
  ~Data() { end(data_, free_); }

  [[nodiscard]] void* get() const { return data_; }

 private:
  static void end(void* data, memctl_free_callback free) noexcept;

  void* data_;
  memctl_free_callback free_;
};

/// Where a callback is to run. Nothing: on the host's thread.
using Queue = std::shared_ptr<QueueObject>;
[[nodiscard]] Result<Queue> queue_of(memctl_queue* queue);

/// Each of them takes null for the defaults. Errors: `invalid_argument`. The data of a callback is
/// held first, so that its end is told in any case but one: the struct itself cannot be read. The
/// options of a question are those of the resize that it is about.
[[nodiscard]] Result<Policy> policy_of(const memctl_policy* given);
[[nodiscard]] Result<HostOptions> host_options_of(const memctl_host_options* given);
[[nodiscard]] Result<ResizeOptions> question_options_of(const memctl_question_options* given);
[[nodiscard]] Result<ResizeOptions> resize_options_of(const memctl_resize_options* given);

[[nodiscard]] Result<DomainIdentity> identity_of(const memctl_identity* given);
/// Errors: `invalid_argument` for an unknown kind, `invalid_size` for a size that nothing can have.
[[nodiscard]] Result<SizeRequest> size_of(memctl_size_kind kind, std::int64_t kib);

/// The callbacks as the library calls them, on the queue if there is one.
[[nodiscard]] std::function<void()> end_callback(memctl_end_callback callback,
                                                 std::shared_ptr<Data> data, const Queue& queue);
[[nodiscard]] std::function<void(const DomainChange&)> change_callback(
    memctl_change_callback callback, std::shared_ptr<Data> data, const Queue& queue);

/// A time that the caller gave. Errors: `invalid_argument` if it is negative.
[[nodiscard]] Result<std::chrono::milliseconds> time_of(std::int64_t count, const char* what);

/// Errors: `not_permitted` in a callback on a host's thread. For a blocking call that the C++
/// interface does not have, and so cannot refuse before it begins.
[[nodiscard]] Result<void> require_may_block();

}  // namespace memctl::c
