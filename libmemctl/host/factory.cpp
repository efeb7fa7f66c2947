// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The only file that knows both hosts.
#include "host/factory.hpp"

#include <string>

#include "base/text.hpp"
#include "host/sim/connection.hpp"
#ifdef MEMCTL_HAS_XEN
#include "host/xen/connection.hpp"
#endif

namespace memctl::host {

Result<std::unique_ptr<Connection>> connect(std::string_view uri,
                                            boost::asio::io_context& context) {
  constexpr std::string_view xen_scheme = "xen:";
  constexpr std::string_view sim_scheme = "sim:";
  if (uri.starts_with(sim_scheme)) return sim::connect(uri.substr(sim_scheme.size()), context);
  if (uri == xen_scheme) {
#ifdef MEMCTL_HAS_XEN
    return xen::connect(context);
#else
    return Error{.cause = Cause::xen_unsupported, .message = "this build has no support for Xen"};
#endif
  }
  return Error{.cause = Cause::invalid_argument,
               .message = "unknown host \"" + printable(uri, 64) + "\"",
               .hint = "use xen: for this host, sim: or sim:FILE for a simulated one"};
}

}  // namespace memctl::host
