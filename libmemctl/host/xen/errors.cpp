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

/// The last line of a log is the outermost caller's; the first one says what went wrong.
std::string first_line(const std::vector<std::string>& log, int code) {
  return log.empty() ? "libxl code " + std::to_string(code) : log.front();
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
          .message = cannot(doing, gone ? "the domain does not exist" : first_line(log, code)),
          .raw = code,
          .log = std::move(log)};
}

Error store_failed(std::string_view doing, std::string_view path, int error) {
  const bool denied = error == EACCES || error == EPERM;
  std::string what{doing};
  if (!path.empty()) what += " " + std::string{path};
  return {.cause = denied ? Cause::not_permitted : Cause::store_error,
          .message = cannot(what, describe(error)),
          .raw = error};
}

}  // namespace memctl::host::xen
