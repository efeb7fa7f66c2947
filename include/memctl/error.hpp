// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/outcome/result.hpp>
#include <boost/outcome/try.hpp>
#include <boost/version.hpp>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "memctl/cause.hpp"
#include "memctl/export.hpp"
#include "memctl/size_range.hpp"
#include "memctl/units.hpp"
#include "memctl/version.hpp"

// Boost.Outcome promises no ABI across Boost releases, and results cross the library's boundary.
#if BOOST_VERSION / 100 != MEMCTL_BOOST_VERSION / 100
#error "This libmemctl was built with another release of Boost: see MEMCTL_BOOST_VERSION"
#endif

namespace memctl {

struct Report;

/// What went wrong. The library returns it and does not throw it, except from `Result::value()`.
struct Error {
  Cause cause{};
  /// One line: what is wrong, with the figures. It has no full stop and does not repeat the cause's
  /// name.
  std::string message{};
  /// What a person can do in this case. Empty: the cause's general hint applies.
  std::string hint{};
  /// If the size was refused: the sizes that would have been granted, and the nearest of them to
  /// the size that was asked for. Null if not. Copies of the error share it, and nothing changes
  /// it.
  std::shared_ptr<const SizeRange> range{};
  std::optional<Kib> nearest{};
  /// The failing call's own code: libxl's, or an errno.
  std::optional<int> raw{};
  /// What libxl logged during the failing call, oldest first.
  std::vector<std::string> log{};
  /// Set if a resize had begun: what it reached, and what it left behind.
  std::shared_ptr<const Report> report{};

  /// The hint to show: this error's own, or else the cause's. Empty: there is none.
  [[nodiscard]] std::string_view advice() const {
    return hint.empty() ? memctl::hint(cause) : std::string_view{hint};
  }
};

[[nodiscard]] inline std::error_code make_error_code(const Error& error) noexcept {
  return make_error_code(error.cause);
}

/// `Result::value()` throws it if there is no value. Carries the whole error.
class MEMCTL_EXPORT ErrorException : public std::system_error {
 public:
  explicit ErrorException(Error error);
  [[nodiscard]] const Error& error() const noexcept { return error_; }

 private:
  Error error_;
};

/// Boost.Outcome finds and calls this when `.value()` is called on a failure.
[[noreturn]] MEMCTL_EXPORT void outcome_throw_as_system_error_with_payload(Error error);

/// A value or an `Error`. Boost.Outcome promises no ABI across Boost releases, so this C++ API
/// promises none either. This header refuses a Boost that the library was not built with.
template <class T>
using Result =
    boost::outcome_v2::basic_result<T, Error,
                                    boost::outcome_v2::policy::default_policy<T, Error, void>>;

/// A success without a value.
[[nodiscard]] inline auto success() { return boost::outcome_v2::success(); }

}  // namespace memctl
