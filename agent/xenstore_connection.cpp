// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/xenstore_connection.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace memctl::agent {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr const char* xenbus = "/dev/xen/xenbus";

Fd connect_to_socket(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return {};
  }
  std::strcpy(address.sun_path, path);  // NOLINT: it fits, see above
  Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(socket.get(), generic, sizeof address) != 0) return {};
  return socket;
}

}  // namespace

Fd XenstoreConnection::open() {
  const char* const named = std::getenv("XENSTORED_PATH");
  const char* const path = named != nullptr ? named : xenbus;
  struct stat status {};
  if (::stat(path, &status) != 0) return {};
  if (S_ISSOCK(status.st_mode)) return connect_to_socket(path);
  return Fd{::open(path, O_RDWR | O_CLOEXEC)};
}

// `receive` reads until nothing is there.
XenstoreConnection::XenstoreConnection(Fd connection, Patience patience)
    : fd_{std::move(connection)}, patience_{patience} {
  ::fcntl(fd_.get(), F_SETFL, O_NONBLOCK);
}

XenstoreReply XenstoreConnection::request(XenstoreType type, std::string_view body) {
  if (lost_ != 0) return {.error = lost_};
  if (body.size() > xenstore_body_max) return {.error = E2BIG};
  const std::uint32_t number = ++last_request_;
  if (const int error = send(to_bytes({.type = type, .request = number, .body = body}))) {
    return {.error = error};
  }
  for (milliseconds left = patience_.all;;) {
    const int error = receive();
    if (error == EAGAIN) {
      if (left <= milliseconds{}) return lose(ETIMEDOUT);
      if (!wait(POLLIN, left)) return lose(errno);
      continue;
    }
    if (error != 0) return lose(error);
    const XenstoreMessage message = *reader_.message();
    if (message.type == XenstoreType::event) {
      fired_ = true;
    } else if (is_reply_to(number, message)) {
      if (message.type == XenstoreType::error) return {.error = error_number(message.body)};
      if (message.type != type) return lose(EPROTO);
      return {.body = std::string{message.body}};
    }
  }
}

// Not every kernel's /dev/xen/xenbus repeats the request's number. Before Linux 4.11 the kernel's
// own reply to XS_WATCH has 0, which no request of the agent has. Linux 4.11 to 4.15 put numbers of
// their own into all replies (mended by "xenbus: track caller request id" in 4.16). The first reply
// shows that, because nothing was asked before it; the order then tells which reply is whose.
bool XenstoreConnection::is_reply_to(std::uint32_t request, const XenstoreMessage& message) {
  const bool is_same = message.request == request || message.request == 0;
  if (numbers_ == Numbers::unknown) numbers_ = is_same ? Numbers::repeated : Numbers::replaced;
  return is_same || numbers_ == Numbers::replaced;
}

bool XenstoreConnection::take_events() {
  while (lost_ == 0) {
    const int error = receive();
    if (error == EAGAIN) break;
    if (error != 0) {
      lose(error);
    } else if (reader_.message()->type == XenstoreType::event) {
      fired_ = true;
    }
  }
  return std::exchange(fired_, false);
}

/// Sends all bytes, to the device by a single call. Returns 0 or the error number. Once a part of a
/// message is sent, an error loses the connection, because xenstored waits for the rest.
int XenstoreConnection::send(std::string_view bytes) {
  bool begun = false;
  for (milliseconds left = patience_.all; !bytes.empty();) {
    // A peer that is gone must not end the agent by SIGPIPE.
    ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == ENOTSOCK) count = ::write(fd_.get(), bytes.data(), bytes.size());
    if (count > 0) {
      begun = true;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (count == 0) {
      return lose(EIO).error;
    } else if (errno == EAGAIN) {
      if (left <= milliseconds{}) return lose(ETIMEDOUT).error;
      if (!wait(POLLOUT, left)) return lose(errno).error;
    } else if (errno == EPIPE || errno == ECONNRESET || (begun && errno != EINTR)) {
      return lose(errno).error;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

/// Reads until a message is complete. Returns 0, EAGAIN if nothing more is there, or the error
/// number that ended the connection.
int XenstoreConnection::receive() {
  for (;;) {
    const auto room = reader_.room();
    const ssize_t count = ::read(fd_.get(), room.data(), room.size());
    if (count == 0) return ECONNRESET;
    if (count < 0 && errno != EINTR) return errno;
    if (count > 0) {
      if (!reader_.filled(static_cast<std::size_t>(count))) return EPROTO;
      if (reader_.message()) return 0;
    }
  }
}

/// Waits for one turn at most, and takes from `left` the time that passed, but a turn at most.
/// False, with errno set: it cannot wait.
bool XenstoreConnection::wait(short events, milliseconds& left) {
  pollfd source{fd_.get(), events, 0};
  const auto turn = std::clamp(left, milliseconds{1}, patience_.turn);
  const auto begun = Clock::now();
  const int ready = ::poll(&source, 1, static_cast<int>(turn.count()));
  if (ready < 0 && errno != EINTR) return false;
  const auto passed = std::chrono::ceil<milliseconds>(Clock::now() - begun);
  left -= ready == 0 ? turn : std::min(passed, turn);
  return true;
}

XenstoreReply XenstoreConnection::lose(int error) {
  lost_ = error;
  return {.error = error};
}

}  // namespace memctl::agent
