// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/facts.hpp"
#include "host/xen/log_capture.hpp"
#include "host/xen/xen_headers.hpp"
#include "memctl/error.hpp"

namespace memctl::host::xen {

/// An open libxenctrl handle. Its hypercalls do not wait for another toolstack. Belongs to the
/// executor.
class Control {
 public:
  /// Errors: `no_xen` (also if this is not a dom0), `not_permitted`, `xen_unsupported` if the
  /// library and the hypervisor are of different releases.
  [[nodiscard]] static Result<std::unique_ptr<Control>> open();
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  [[nodiscard]] xc_interface* get() { return handle_; }
  [[nodiscard]] int xen_major() const { return major_; }
  [[nodiscard]] int xen_minor() const { return minor_; }

  /// This domain. Errors: `no_such_domain`, `hypervisor_error`.
  [[nodiscard]] Result<xc_domaininfo_t> domain(DomainId domain);
  /// All domains, dom0 included, by number.
  [[nodiscard]] Result<std::vector<xc_domaininfo_t>> domains();

  /// The error of the call that just failed, from `errno` and the log.
  [[nodiscard]] Error failed(std::string_view doing);
  [[nodiscard]] std::vector<std::string> take_log() { return log_.take(); }

 private:
  Control() = default;
  LogCapture log_;
  xc_interface* handle_{nullptr};
  int major_{};
  int minor_{};
};

/// Succeeds if one of these files, Xen's control interface, can be opened for reading and writing.
/// Errors: `no_xen`, `not_permitted`.
[[nodiscard]] Result<void> require_control_interface(const std::vector<std::string>& files);

/// A domain's memory and state from one hypercall.
[[nodiscard]] DomainMemory memory_of(const xc_domaininfo_t& info);
/// Xen's figure in KiB or pages as a size of at most 2^60 KiB. In Xen, all bits set mean "no
/// limit".
[[nodiscard]] Kib saturated_kib(std::uint64_t kib);
[[nodiscard]] Kib saturated_kib_of_pages(std::uint64_t pages);

}  // namespace memctl::host::xen
