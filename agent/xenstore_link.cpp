// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/xenstore_link.hpp"

#include <cerrno>
#include <cstdlib>

extern "C" {
#include <xenstore.h>
}

namespace memctl::agent {
namespace {

int error_of_last_call() { return errno != 0 ? errno : EIO; }

/// Whether the connection can no longer be used. Other errors only refuse one call.
bool is_fatal(int error) {
  return error == EBADF || error == EPIPE || error == ECONNRESET || error == EIO ||
         error == ENOTCONN || error == ENODEV;
}

}  // namespace

std::unique_ptr<XenstoreLink> XenstoreLink::open() {
  xs_handle* const calls = ::xs_open(0);
  if (calls == nullptr) return nullptr;
  return std::unique_ptr<XenstoreLink>{new XenstoreLink{calls}};
}

XenstoreLink::~XenstoreLink() { ::xs_close(calls_); }

std::optional<std::string> XenstoreLink::read(const char* path, int& error) {
  unsigned int length = 0;
  errno = 0;
  const std::unique_ptr<void, void (*)(void*)> value{::xs_read(calls_, XBT_NULL, path, &length),
                                                     &std::free};
  error = 0;
  if (value) return std::string{static_cast<const char*>(value.get()), length};
  if (errno != ENOENT) error = error_of_last_call();
  note(path, error);
  return std::nullopt;
}

int XenstoreLink::write(const char* path, std::string_view value) {
  errno = 0;
  const auto length = static_cast<unsigned int>(value.size());
  if (::xs_write(calls_, XBT_NULL, path, value.data(), length)) return 0;
  const int error = error_of_last_call();
  note(path, error);
  return error;
}

void XenstoreLink::remove(const char* path) { ::xs_rm(calls_, XBT_NULL, path); }

int XenstoreLink::watch(const char* path) {
  watched_ = path;
  return watch_.open(path);
}

// If the watch ends, the agent ends, because it would not hear of requests any more.
void XenstoreLink::drain() {
  const int error = watch_.drain();
  if (error != 0 && !lost_) lost_ = Loss{watched_, error};
}

void XenstoreLink::note(const char* path, int error) {
  if (is_fatal(error) && !lost_) lost_ = Loss{path, error};
}

}  // namespace memctl::agent
