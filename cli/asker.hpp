// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace memctl::cli {

/// Who runs this process.
struct Asker {
  uid_t uid{};
  /// The user who logged in, as the kernel keeps it across sudo and su. Nothing: no login, for
  /// example a service.
  std::optional<uid_t> login_uid{};
  /// The variable SUDO_USER. Root can set it to anything.
  std::string claimed_sudo_user{};
};

[[nodiscard]] Asker this_asker();
/// Reads the text of /proc/self/loginuid. Nothing: no user has logged in, or it is no number.
[[nodiscard]] std::optional<uid_t> login_uid_from(const std::string& text);

}  // namespace memctl::cli
