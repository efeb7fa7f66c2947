// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/xen/control.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "host/xen/errors.hpp"
#include "host/xen/file.hpp"

namespace memctl::host::xen {
namespace {

constexpr std::uint64_t most_kib = std::uint64_t{1} << 60;

bool is_control_domain() {
  return text_of("/proc/xen/capabilities", 4096).find("control_d") != std::string::npos;
}

/// Makes the first privileged call. It fails with EPERM outside of dom0, and with EACCES if
/// libxenctrl was built for another release of Xen.
Result<void> require_privilege(Control& control) {
  // Each of Xen's two interfaces for tools has a version of its own, and refuses all others. From
  // 4.17 to 4.20 only that of the second changed (sysctl.h, domctl.h).
  xc_physinfo_t host{};
  xc_vcpuinfo_t vcpu{};
  if (xc_physinfo(control.get(), &host) == 0 && xc_vcpu_getinfo(control.get(), 0, 0, &vcpu) == 0) {
    return success();
  }
  Error error = control.failed("read the host's figures");
  if (error.raw == EACCES) {
    error.cause = Cause::xen_unsupported;
    error.message = "Xen " + std::to_string(control.xen_major()) + "." +
                    std::to_string(control.xen_minor()) +
                    " runs, and refuses the calls of the libraries of Xen " MEMCTL_XEN_RELEASE
                    ", which memctl was built for";
    error.hint = "boot Xen " MEMCTL_XEN_RELEASE
                 ", or install the memctl that was built for the "
                 "Xen that runs";
  } else if (error.raw == EPERM && !is_control_domain()) {
    error.cause = Cause::no_xen;
    error.message = "this is a Xen guest, not the dom0";
  }
  return error;
}

}  // namespace

Result<void> require_control_interface(const std::vector<std::string>& files) {
  for (const auto& file : files) {
    const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
      ::close(fd);
      return success();
    }
    const int error = errno;
    if (error == EACCES || error == EPERM) {
      return Error{.cause = Cause::not_permitted,
                   .message = "cannot open " + file + ": " + describe(error),
                   .raw = error};
    }
  }
  return Error{.cause = Cause::no_xen,
               .message = "Xen's control interface " + files.front() +
                          " is not there: this is no Xen host, or its xen-privcmd module is not "
                          "loaded",
               .raw = ENOENT};
}

Result<std::unique_ptr<Control>> Control::open() {
  BOOST_OUTCOME_TRYV(require_control_interface({"/dev/xen/privcmd", "/proc/xen/privcmd"}));
  std::unique_ptr<Control> control{new Control};
  auto* logger = control->log_.logger();
  control->handle_ = xc_interface_open(logger, logger, 0);
  if (control->handle_ == nullptr) {
    Error error = control->failed("open Xen's control interface");
    if (error.cause == Cause::hypervisor_error) error.cause = Cause::no_xen;
    return error;
  }
  const int version = xc_version(control->handle_, XENVER_version, nullptr);
  if (version < 0) {
    Error error = control->failed("ask Xen for its version");
    error.cause = Cause::no_xen;
    return error;
  }
  control->major_ = version >> 16;
  control->minor_ = version & 0xffff;
  BOOST_OUTCOME_TRYV(require_privilege(*control));
  return control;
}

Control::~Control() {
  if (handle_ != nullptr) xc_interface_close(handle_);
}

Result<xc_domaininfo_t> Control::domain(DomainId domain) {
  xc_domaininfo_t info{};
  const int found = xc_domain_getinfolist(handle_, number(domain), 1, &info);
  if (found < 0) return failed("read domain " + std::to_string(number(domain)));
  // If the domain is gone, Xen returns the next domain.
  if (found == 0 || info.domain != number(domain)) return no_such_domain(domain);
  return info;
}

Result<std::vector<xc_domaininfo_t>> Control::domains() {
  std::vector<xc_domaininfo_t> all;
  std::array<xc_domaininfo_t, 256> batch{};
  std::uint32_t next = 0;
  for (;;) {
    const int found = xc_domain_getinfolist(handle_, next, batch.size(), batch.data());
    if (found < 0) return failed("list the domains");
    if (found == 0) return all;
    all.insert(all.end(), batch.begin(), batch.begin() + found);
    next = all.back().domain + std::uint32_t{1};
  }
}

Error Control::failed(std::string_view doing) {
  const int error = errno;
  return hypercall_failed(doing, error, log_.take());
}

DomainMemory memory_of(const xc_domaininfo_t& info) {
  const auto has = [&](std::uint32_t flag) { return (info.flags & flag) != 0; };
  DomainMemory memory{.allocated = to_pages(saturated_kib_of_pages(info.tot_pages)),
                      .max_pages = saturated_kib_of_pages(info.max_pages),
                      .claim = to_pages(saturated_kib_of_pages(info.outstanding_pages)),
                      .paused = has(XEN_DOMINF_paused),
                      .dying = has(XEN_DOMINF_dying)};
  if (has(XEN_DOMINF_shutdown)) {
    switch ((info.flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask) {
      case SHUTDOWN_poweroff:
        memory.shutdown = ShutdownReason::poweroff;
        break;
      case SHUTDOWN_reboot:
        memory.shutdown = ShutdownReason::reboot;
        break;
      case SHUTDOWN_suspend:
        memory.shutdown = ShutdownReason::suspend;
        break;
      case SHUTDOWN_crash:
        memory.shutdown = ShutdownReason::crash;
        break;
      default:
        memory.shutdown = ShutdownReason::other;
    }
  }
  return memory;
}

Kib saturated_kib(std::uint64_t kib) {
  return Kib{static_cast<std::int64_t>(std::min(kib, most_kib))};
}

Kib saturated_kib_of_pages(std::uint64_t pages) {
  return to_kib(Pages{static_cast<std::int64_t>(std::min(pages, most_kib / 4))});
}

}  // namespace memctl::host::xen
