// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/xenstore_link.hpp"

#include <pthread.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>

extern "C" {
#include <xenstore.h>
}

namespace memctl::agent {
namespace {

// All of it is locked into memory, so not the default of 8 MiB.
constexpr std::size_t thread_stack = std::size_t{64} << 10;

int error_of_last_call() { return errno != 0 ? errno : EIO; }

}  // namespace

std::unique_ptr<XenstoreLink> XenstoreLink::open() {
  xs_handle* const calls = ::xs_open(0);
  if (calls == nullptr) return nullptr;
  xs_handle* const watches = ::xs_open(0);
  Fd event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (watches == nullptr || !event.is_open()) {
    const int error = errno;
    ::xs_close(calls);
    if (watches != nullptr) ::xs_close(watches);
    errno = error;
    return nullptr;
  }
  return std::unique_ptr<XenstoreLink>{new XenstoreLink{calls, watches, std::move(event)}};
}

XenstoreLink::XenstoreLink(xs_handle* calls, xs_handle* watches, Fd event)
    : calls_{calls}, watches_{watches}, event_{std::move(event)} {}

XenstoreLink::~XenstoreLink() { ::xs_close(calls_); }

std::optional<std::string> XenstoreLink::read(const char* path, int& error) {
  unsigned int length = 0;
  errno = 0;
  const std::unique_ptr<void, void (*)(void*)> value{::xs_read(calls_, XBT_NULL, path, &length),
                                                     &std::free};
  error = 0;
  if (value) return std::string{static_cast<const char*>(value.get()), length};
  if (errno != ENOENT) error = error_of_last_call();
  return std::nullopt;
}

int XenstoreLink::write(const char* path, std::string_view value) {
  errno = 0;
  const auto length = static_cast<unsigned int>(value.size());
  return ::xs_write(calls_, XBT_NULL, path, value.data(), length) ? 0 : error_of_last_call();
}

void XenstoreLink::remove(const char* path) { ::xs_rm(calls_, XBT_NULL, path); }

int XenstoreLink::watch(const char* path) {
  errno = 0;
  // The static libxenstore takes one message for the reply. The first event of a new watch can come
  // before it: then the watch stands, and xs_watch says EINVAL (read_reply in Xen's xs.c; seen on a
  // loaded host). The late reply is read, and left, with the next event. xenstored itself says
  // EINVAL to a malformed path only, and ours is fixed.
  if (!::xs_watch(watches_, path, "memctl") && errno != EINVAL) return error_of_last_call();
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, thread_stack);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  const int error = pthread_create(&thread, &attributes, &wait_for_watches, this);
  pthread_attr_destroy(&attributes);
  return error;
}

void* XenstoreLink::wait_for_watches(void* self) {
  auto& link = *static_cast<XenstoreLink*>(self);
  const std::uint64_t one = 1;
  unsigned int count = 0;
  while (char** const fired = ::xs_read_watch(link.watches_, &count)) {
    std::free(fired);
    [[maybe_unused]] const auto written = ::write(link.event_.get(), &one, sizeof one);
  }
  link.lost_ = true;
  [[maybe_unused]] const auto written = ::write(link.event_.get(), &one, sizeof one);
  return nullptr;
}

void XenstoreLink::drain() {
  std::uint64_t count{};
  [[maybe_unused]] const auto taken = ::read(event_.get(), &count, sizeof count);
}

}  // namespace memctl::agent
