// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/handles.hpp"

#include <pthread.h>

#include <mutex>
#include <utility>

namespace memctl {
namespace {

std::mutex& mutex() {
  static std::mutex& one = *new std::mutex;
  return one;
}

}  // namespace

Handles& Handles::all() {
  // A child that is forked while another thread holds the mutex would find it locked for ever.
  static Handles& one = *[] {
    ::pthread_atfork([] { mutex().lock(); }, [] { mutex().unlock(); }, [] { mutex().unlock(); });
    return new Handles;
  }();
  return one;
}

Handles::Handle Handles::add(std::shared_ptr<Object> object, Handle owner) {
  const std::lock_guard lock{mutex()};
  if (owner != 0 && !open_.contains(owner)) return 0;
  const Handle handle = last_ + 0x10;
  open_.emplace(handle, Entry{std::move(object), owner});
  last_ = handle;
  return handle;
}

std::shared_ptr<Handles::Object> Handles::find(Handle handle) const {
  const std::lock_guard lock{mutex()};
  const auto found = open_.find(handle);
  return found == open_.end() ? nullptr : found->second.object;
}

Handles::Closed Handles::close(Handle handle) noexcept {
  Closed closed;
  const std::lock_guard lock{mutex()};
  const auto found = open_.find(handle);
  if (found == open_.end()) return closed;
  if (found->second.owner != 0) {
    closed.insert(open_.extract(found));
    return closed;
  }
  // What a handle owns is younger, and has a larger number.
  for (auto each = found; each != open_.end();) {
    const auto next = std::next(each);
    if (each->first == handle || each->second.owner == handle) closed.insert(open_.extract(each));
    each = next;
  }
  return closed;
}

}  // namespace memctl
