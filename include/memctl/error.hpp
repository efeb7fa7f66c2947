// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/outcome/result.hpp>
#include <boost/outcome/try.hpp>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "memctl/cause.hpp"
#include "memctl/export.hpp"
#include "memctl/size_range.hpp"
#include "memctl/units.hpp"

namespace memctl {

struct Report;

/// What went wrong: a value, never thrown by the library itself.
struct Error {
  Cause cause{};
  /// One line: what is wrong, with the figures. No full stop, no repetition of the cause's name.
  std::string message{};
  /// What would be right. Empty: the cause's general hint holds.
  std::string hint{};
  /// If the size was the matter: the sizes that would have been granted, and the one of them that
  /// is nearest to what was asked.
  std::optional<SizeRange> range{};
  std::optional<Kib> nearest{};
  /// What the failing call returned, as it returned it (a libxl code, an errno).
  std::optional<int> raw{};
  /// What libxl logged during the failing call, oldest first.
  std::vector<std::string> log{};
  /// Set by a resize that had begun: what was reached, and what was left behind.
  std::shared_ptr<const Report> report{};

  [[nodiscard]] std::string_view advice() const {
    return hint.empty() ? memctl::hint(cause) : std::string_view{hint};
  }
};

[[nodiscard]] inline std::error_code make_error_code(const Error& error) noexcept {
  return make_error_code(error.cause);
}

/// Thrown by `Result::value()` where there is none; carries the whole error.
class MEMCTL_EXPORT ErrorException : public std::system_error {
 public:
  explicit ErrorException(Error error);
  [[nodiscard]] const Error& error() const noexcept { return error_; }

 private:
  Error error_;
};

/// Found by Boost.Outcome when `.value()` is called on a failure.
[[noreturn]] MEMCTL_EXPORT void outcome_throw_as_system_error_with_payload(Error error);

/// A value or an `Error`. Boost.Outcome promises no ABI across Boost releases, so neither does this
/// C++ API: build against the Boost that the library was built with.
template <class T>
using Result =
    boost::outcome_v2::basic_result<T, Error,
                                    boost::outcome_v2::policy::default_policy<T, Error, void>>;

/// A success without a value.
[[nodiscard]] inline auto success() { return boost::outcome_v2::success(); }

}  // namespace memctl
