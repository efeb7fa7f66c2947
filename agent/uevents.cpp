// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/uevents.hpp"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "agent/core/parse.hpp"

namespace memctl::agent {
namespace {

constexpr int kernel_group = 1;  // the kernel sends to group 1, udev to group 2

}  // namespace

Uevents::Uevents()
    : socket_{
          ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT)} {
  if (!socket_.is_open()) return;
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    socket_ = Fd{};
  }
}

void Uevents::listen(bool on) {
  if (!available() || on == listening_) return;
  const int group = kernel_group;
  const int option = on ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP;
  if (::setsockopt(socket_.get(), SOL_NETLINK, option, &group, sizeof group) == 0) {
    listening_ = on;
  }
}

bool Uevents::drain() {
  bool changed = false;
  std::array<char, 2048> buffer;
  for (;;) {
    sockaddr_nl sender{};
    socklen_t length = sizeof sender;
    const ssize_t count = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT,
                                     reinterpret_cast<sockaddr*>(&sender), &length);
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno != ENOBUFS) return changed;
      changed = true;  // some uevents were lost
      continue;
    }
    // Other processes may send to this socket. The kernel's port is 0.
    if (sender.nl_pid != 0) continue;
    changed |= is_memory_uevent({buffer.data(), static_cast<std::size_t>(count)});
  }
}

}  // namespace memctl::agent
