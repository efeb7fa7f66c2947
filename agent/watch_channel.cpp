// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/watch_channel.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>  // xs_wire.h needs it and does not include it
#include <cstdlib>
#include <cstring>
#include <string>

extern "C" {
#include <xen/io/xs_wire.h>
}

namespace memctl::agent {
namespace {

constexpr const char* xenbus = "/dev/xen/xenbus";
constexpr std::size_t header_size = sizeof(xsd_sockmsg);

/// Opens the guest's device. Like libxenstore, uses the path in XENSTORED_PATH if it is set.
Fd connect_to_xenstore() {
  const char* const named = std::getenv("XENSTORED_PATH");
  const char* const path = named != nullptr ? named : xenbus;
  struct stat status {};
  if (::stat(path, &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode)) return Fd{::open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK)};

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
  ::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
  return socket;
}

}  // namespace

int WatchChannel::open(const char* path) {
  errno = 0;
  fd_ = connect_to_xenstore();
  if (!fd_.is_open()) return errno != 0 ? errno : EIO;

  std::string body{path};
  body += '\0';
  body += "memctl";
  body += '\0';
  xsd_sockmsg header{};
  header.type = XS_WATCH;
  header.len = static_cast<std::uint32_t>(body.size());
  std::string request(header_size, '\0');
  std::memcpy(request.data(), &header, header_size);
  request += body;
  const ssize_t written = ::write(fd_.get(), request.data(), request.size());
  if (written < 0) return errno;
  return static_cast<std::size_t>(written) == request.size() ? 0 : EIO;
}

/// Reads until the message has `size` bytes.
int WatchChannel::take(std::size_t size) {
  while (filled_ < size) {
    const ssize_t got = ::read(fd_.get(), message_.data() + filled_, size - filled_);
    if (got == 0) return ECONNRESET;
    if (got < 0 && errno != EINTR) return errno;
    if (got > 0) filled_ += static_cast<std::size_t>(got);
  }
  return 0;
}

int WatchChannel::drain() {
  for (;;) {
    int error = take(header_size);
    if (error != 0) return error == EAGAIN ? 0 : error;
    xsd_sockmsg header{};
    std::memcpy(&header, message_.data(), header_size);
    if (header.len > message_.size() - header_size) return EPROTO;
    error = take(header_size + header.len);
    if (error != 0) return error == EAGAIN ? 0 : error;
    filled_ = 0;
    // This is an event or the answer to the request. There is one watch, so its node is known.
    if (header.type == XS_ERROR) return EACCES;
  }
}

}  // namespace memctl::agent
