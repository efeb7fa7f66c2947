// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cerrno>
#include <exception>
#include <new>

#include "api/c/call.hpp"

namespace memctl::c {
namespace {

/// The error that is there when there is no memory for one. Nobody frees it.
memctl_error* no_memory() {
  static memctl_error error{.size = sizeof(memctl_error),
                            .cause = MEMCTL_CAUSE_NOT_PERMITTED,
                            .has_raw = true,
                            .raw = ENOMEM,
                            .message = "no memory",
                            .hint = "",
                            .range = nullptr,
                            .nearest_kib = MEMCTL_UNKNOWN,
                            .log_count = 0,
                            .log = nullptr,
                            .report = nullptr};
  return &error;
}

memctl_error* fault(const char* what) noexcept {
  return error_of({.message = std::string{"an exception was thrown: "} + what});
}

}  // namespace

memctl_error* error_of(const Error& error) noexcept {
  try {
    return hand_out<memctl_error>(error);
  } catch (...) {
    return no_memory();
  }
}

memctl_error* error_of_exception() noexcept {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return no_memory();
  } catch (const ErrorException& exception) {
    return error_of(exception.error());
  } catch (const std::exception& exception) {
    return fault(exception.what());
  } catch (...) {
    return fault("no std::exception");
  }
}

}  // namespace memctl::c

extern "C" void memctl_error_free(memctl_error* error) {
  if (error != memctl::c::no_memory()) memctl::c::take_back(error);
}
