// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A program over the installed library. It grows a guest, and catches what the library throws, by
// each type that the library promises.
//
//     grow HOST DOMAIN SIZE
#include <memctl/host.hpp>
#include <memctl/version.hpp>

#include <iostream>
#include <system_error>

static_assert(MEMCTL_VERSION_NUMBER >= MEMCTL_MAKE_VERSION(0, 1, 0));
static_assert(MEMCTL_VERSION_NUMBER < MEMCTL_MAKE_VERSION(MEMCTL_VERSION_MAJOR + 1, 0, 0));

int main(int count, char** arguments) {
  if (count != 4) return 2;
  if (memctl::version() != MEMCTL_VERSION_STRING) return 1;

  const auto host = memctl::Host::open(arguments[1]).value();
  const auto size = memctl::parse_size(arguments[3]).value();
  const auto report = host.domain(arguments[2]).value().resize(size).wait().value();
  std::cout << report.domain.name << ": " << memctl::to_string(report.reached) << '\n';

  try {
    (void)host.domain("nobody").value();
  } catch (const memctl::ErrorException& exception) {
    std::cout << "ErrorException: " << memctl::name(exception.error().cause) << '\n';
  }
  try {
    (void)host.domain("nobody").value();
  } catch (const std::system_error& exception) {
    const bool equal = exception.code() == memctl::Cause::no_such_domain;
    std::cout << "system_error: " << exception.code().category().name() << ' ' << equal << '\n';
  }
}
