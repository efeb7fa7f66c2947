// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the functions of the C interface share: objects behind handles, and the border that no
// exception crosses.
#pragma once

#include <bit>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "api/c/handed.hpp"
#include "base/handles.hpp"
#include "memctl/callback_queue.hpp"
#include "memctl/host.hpp"
#include "memctl/memctl.h"

namespace memctl::c {

struct HostObject : Handles::Object {
  using Handle = memctl_host;
  static constexpr const char* name = "memctl_host";
  explicit HostObject(Host of) : host{std::move(of)} {}
  const Host host;
};

struct DomainObject : Handles::Object {
  using Handle = memctl_domain;
  static constexpr const char* name = "memctl_domain";
  DomainObject(Domain of, Handles::Handle on) : domain{std::move(of)}, host{on} {}
  const Domain domain;
  const Handles::Handle host;
};

struct OperationObject : Handles::Object {
  using Handle = memctl_operation;
  static constexpr const char* name = "memctl_operation";
  using UnderWay = std::variant<Operation, Pending<DomainStatus>, Pending<std::vector<Finding>>,
                                Pending<Plan>, Pending<Recovery>>;
  explicit OperationObject(UnderWay of) : under_way{std::move(of)} {}
  const UnderWay under_way;
};

struct WatchObject : Handles::Object {
  using Handle = memctl_watch;
  static constexpr const char* name = "memctl_watch";
  explicit WatchObject(DomainWatch of) : watch{std::move(of)} {}
  const DomainWatch watch;
};

struct QueueObject : Handles::Object {
  using Handle = memctl_queue;
  static constexpr const char* name = "memctl_queue";
  explicit QueueObject(CallbackQueue of) : queue{std::move(of)} {}
  const CallbackQueue queue;
};

[[nodiscard]] inline Error invalid(std::string message, std::string hint = {}) {
  return {.cause = Cause::invalid_argument, .message = std::move(message), .hint = std::move(hint)};
}
[[nodiscard]] inline Error closed(const char* name) {
  return invalid(std::string{"the "} + name + " is closed, or is no handle of this kind");
}

template <class Handle>
[[nodiscard]] Handles::Handle value_of(Handle* handle) {
  return std::bit_cast<Handles::Handle>(handle);
}

/// The object behind a handle. The caller's copy keeps it if another thread closes the handle.
template <class Object>
[[nodiscard]] Result<std::shared_ptr<Object>> object_of(typename Object::Handle* handle) {
  if (!handle) return invalid(std::string{"the "} + Object::name + " is null");
  auto object = std::dynamic_pointer_cast<Object>(Handles::all().find(value_of(handle)));
  if (!object) return closed(Object::name);
  return object;
}

/// A new handle in `*out`, which closes with its owner. Errors: the owner was closed meanwhile.
template <class Object, class... Values>
[[nodiscard]] Result<void> open(typename Object::Handle** out, Handles::Handle owner,
                                Values&&... values) {
  const auto handle =
      Handles::all().add(std::make_shared<Object>(std::forward<Values>(values)...), owner);
  if (handle == 0) return closed(HostObject::name);
  *out = std::bit_cast<typename Object::Handle*>(handle);
  return success();
}

/// Closes a handle of this kind; another one stays.
template <class Object>
void close(typename Object::Handle* handle) noexcept {
  const auto object = Handles::all().find(value_of(handle));
  if (!std::dynamic_pointer_cast<Object>(object)) return;
  const auto ended = Handles::all().close(value_of(handle));
}

/// Makes `*out` null. Errors: `out` itself is null.
template <class T>
[[nodiscard]] Result<void> clear(T** out) {
  if (!out) return invalid("the pointer for the result is null");
  *out = nullptr;
  return success();
}
[[nodiscard]] inline Result<void> require(const void* given, const char* what) {
  if (!given) return invalid(std::string{what} + " is null");
  return success();
}

/// The error that the caller gets. Without memory for it, a static one.
[[nodiscard]] memctl_error* error_of(const Error& error) noexcept;
/// The error for the exception that is being handled.
[[nodiscard]] memctl_error* error_of_exception() noexcept;

/// Runs the body of a function of the interface. Null: it succeeded.
template <class Body>
[[nodiscard]] memctl_error* guarded(Body body) noexcept {
  try {
    const Result<void> result = body();
    return result ? nullptr : error_of(result.error());
  } catch (...) {
    return error_of_exception();
  }
}

}  // namespace memctl::c
