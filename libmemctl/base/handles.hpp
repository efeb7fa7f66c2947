// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <map>
#include <memory>

namespace memctl {

/// The objects behind the handles of the C interface. A handle is a number that is never used
/// again, so that a closed handle is known as such. Thread-safe, also across a fork.
class Handles {
 public:
  using Handle = std::uintptr_t;
  class Object {
   public:
    Object() = default;
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;
    virtual ~Object() = default;
  };
  struct Entry {
    std::shared_ptr<Object> object;
    Handle owner;
  };
  using Closed = std::map<Handle, Entry>;

  /// The handles of the process. They are never destroyed, so that a thread may use them until the
  /// process has ended.
  [[nodiscard]] static Handles& all();

  /// A new handle of `object`, which closes with `owner`. 0: the owner is closed. Without an owner
  /// (0) it closes by itself alone. A handle with an owner owns nothing.
  [[nodiscard]] Handle add(std::shared_ptr<Object> object, Handle owner);
  /// Nothing: the handle is closed, or never was one.
  [[nodiscard]] std::shared_ptr<Object> find(Handle handle) const;
  /// Closes a handle and all that it owns, and returns their objects, which end with the caller's
  /// copy. Does not throw, because it needs no memory.
  [[nodiscard]] Closed close(Handle handle) noexcept;

 private:
  Handles() = default;

  Handle last_{0x10000};  // no small number, which a debugger or Go would take for a mistake
  std::map<Handle, Entry> open_{};
};

}  // namespace memctl
