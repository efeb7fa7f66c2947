// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/xenstore_link.hpp"

#include <cerrno>

namespace memctl::agent {
namespace {

/// Texts in a message's body end with NUL, except for a value that is written.
std::string with_end(std::string_view text) {
  std::string body{text};
  body += '\0';
  return body;
}

}  // namespace

std::optional<std::string> XenstoreLink::read(const char* path, int& error) {
  XenstoreReply reply = request(XenstoreType::read, path, with_end(path));
  error = reply.error == ENOENT ? 0 : reply.error;
  if (reply.error != 0) return std::nullopt;
  return std::move(reply.body);
}

int XenstoreLink::write(const char* path, std::string_view value) {
  return request(XenstoreType::write, path, with_end(path).append(value)).error;
}

void XenstoreLink::remove(const char* path) { request(XenstoreType::remove, path, with_end(path)); }

int XenstoreLink::watch(const char* path) {
  watched_ = path;
  return request(XenstoreType::watch, path, with_end(path) + with_end("memctl")).error;
}

// There is one watch, so its events tell nothing more.
void XenstoreLink::drain() {
  static_cast<void>(connection_.take_events());
  note_loss(watched_);
}

XenstoreReply XenstoreLink::request(XenstoreType type, const char* path, std::string_view body) {
  XenstoreReply reply = connection_.request(type, body);
  note_loss(path);
  return reply;
}

void XenstoreLink::note_loss(const char* path) {
  if (connection_.lost() != 0 && !lost_) lost_ = Loss{path, connection_.lost()};
}

}  // namespace memctl::agent
