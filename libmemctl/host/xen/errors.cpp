// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/xen/errors.hpp"

#include <system_error>
#include <utility>

#include "host/xen/xen_headers.hpp"

namespace memctl::host::xen {
namespace {

std::string cannot(std::string_view doing, std::string_view why) {
  return "cannot " + std::string{doing} + ": " + std::string{why};
}

/// Takes "what is wrong" from "libxl: libxl_mem.c:59:libxl_domain_setmaxmem: Domain 3:what is
/// wrong". The error's log keeps the whole line for developers.
std::string_view without_origin(std::string_view line) {
  const auto file = line.find(".c:");
  const auto origin_end = line.find(": ", file);
  if (file == std::string_view::npos || origin_end == std::string_view::npos) return line;
  line.remove_prefix(origin_end + 2);
  const auto domain_end = line.find(':');
  if (line.starts_with("Domain ") && domain_end != std::string_view::npos) {
    line.remove_prefix(domain_end + 1);
  }
  return line;
}

/// The first line of a log says what went wrong; the later lines come from libxl's callers.
std::string reason(const std::vector<std::string>& log, int code) {
  if (log.empty()) return "libxl code " + std::to_string(code);
  return std::string{without_origin(log.front())};
}

}  // namespace

std::string describe(int error) { return std::generic_category().message(error); }

Error no_such_domain(DomainId domain) {
  return {.cause = Cause::no_such_domain,
          .message = "domain " + std::to_string(number(domain)) + " does not exist"};
}

Error hypercall_failed(std::string_view doing, int error, std::vector<std::string> log) {
  Cause cause = Cause::hypervisor_error;
  if (error == ESRCH) cause = Cause::no_such_domain;
  if (error == EPERM || error == EACCES) cause = Cause::not_permitted;
  return {.cause = cause,
          .message = cannot(doing, describe(error)),
          .raw = error,
          .log = std::move(log)};
}

Error libxl_failed(std::string_view doing, int code, std::vector<std::string> log) {
  if (code == ERROR_JSON_CONFIG_EMPTY) {
    return {.cause = Cause::xen_unsupported,
            .message = cannot(doing, "libxl has no stored configuration of the domain"),
            .raw = code,
            .log = std::move(log)};
  }
  const bool gone = code == ERROR_DOMAIN_NOTFOUND;
  return {.cause = gone ? Cause::no_such_domain : Cause::hypervisor_error,
          .message = cannot(doing, gone ? "the domain does not exist" : reason(log, code)),
          .raw = code,
          .log = std::move(log)};
}

Error store_failed(std::string_view doing, std::string_view path, int error) {
  const bool denied = error == EACCES || error == EPERM;
  std::string what{doing};
  if (!path.empty()) what += " " + std::string{path};
  return {.cause = denied ? Cause::not_permitted : Cause::store_error,
          .message =
              cannot(what, error == E2BIG ? "that is more than xenstore takes" : describe(error)),
          .raw = error};
}

}  // namespace memctl::host::xen
