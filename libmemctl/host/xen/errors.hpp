// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Only these functions turn errno and libxl's codes into memctl's causes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "memctl/error.hpp"
#include "memctl/units.hpp"

namespace memctl::host::xen {

[[nodiscard]] Error no_such_domain(DomainId domain);

/// A failed hypercall. `doing` continues "cannot", for example "read the host's memory". ESRCH is
/// `no_such_domain`, EPERM and EACCES are `not_permitted`, the rest is `hypervisor_error`.
[[nodiscard]] Error hypercall_failed(std::string_view doing, int error,
                                     std::vector<std::string> log);

/// A failed libxl call. ERROR_DOMAIN_NOTFOUND is `no_such_domain`, a missing stored configuration
/// is `xen_unsupported`, the rest is `hypervisor_error`.
[[nodiscard]] Error libxl_failed(std::string_view doing, int code, std::vector<std::string> log);

/// A failed xenstore call. EACCES and EPERM are `not_permitted`, the rest is `store_error`.
[[nodiscard]] Error store_failed(std::string_view doing, std::string_view path, int error);

/// The text of strerror. Thread-safe: it does not use strerror's shared buffer.
[[nodiscard]] std::string describe(int error);

}  // namespace memctl::host::xen
