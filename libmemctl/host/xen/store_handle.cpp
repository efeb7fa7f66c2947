// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/xen/store_handle.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "base/text.hpp"
#include "host/xen/errors.hpp"
#include "host/xen/file.hpp"
#include "host/xen/process.hpp"

namespace memctl::host::xen {
namespace {

/// 0, or the error number if the daemon's socket cannot be connected.
int try_socket(std::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  std::ranges::copy(path, address.sun_path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const int error =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
  close(fd);
  return error;
}

bool has_store_domain(Control& control) {
  const auto domains = control.domains();
  return domains && std::ranges::any_of(domains.assume_value(), [](const xc_domaininfo_t& domain) {
           return (domain.flags & XEN_DOMINF_xs_domain) != 0;
         });
}

}  // namespace

// If the daemon's socket is missing, libxenstore uses the kernel's device. In a dom0 without a
// running xenstored, the first request to that device waits for ever. So the device is used only if
// xenstored runs in a domain of its own.
Result<StoreHandle> open_store(Control& control) {
  const std::string path = xs_daemon_socket();
  const int error = try_socket(path);
  if (error != 0 && !has_store_domain(control)) {
    Error failure = store_failed("connect to xenstored at", path, error);
    if (failure.cause == Cause::store_error) {
      failure.message = "xenstored does not run: " + failure.message;
    }
    return failure;
  }
  xs_handle* handle = xs_open(0);
  if (handle == nullptr) return store_failed("open", "xenstore", errno);
  return StoreHandle{handle, &xs_close};
}

std::optional<StoreProgram> store_program(Control& control) {
  if (has_store_domain(control)) return StoreProgram::domain;
  return store_process();
}

// The socket does not tell: the kernel names its listener by the process that oxenstored was before
// it became a daemon.
std::optional<StoreProgram> store_process(const std::filesystem::path& root) {
  // By Debian's init script; by Xen's scripts and its oxenstored.conf; by oxenstored without one.
  for (const char* file : {"run/xenstore.pid", "run/xen/xenstored.pid", "run/xenstored.pid"}) {
    const std::string text = text_of(root / file, 64);
    const std::string pid = text.substr(0, text.find('\n'));
    if (!is_number(pid)) continue;
    const auto name = name_if_roots(root / "proc" / pid);
    if (name == "xenstored") return StoreProgram::xenstored;
    if (name == "oxenstored") return StoreProgram::oxenstored;
  }
  return std::nullopt;
}

}  // namespace memctl::host::xen
