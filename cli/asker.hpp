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
  /// What the environment says of sudo's caller. Root can make it say anything.
  std::string claimed_sudo_user{};
};

[[nodiscard]] Asker this_asker();
/// What /proc/self/loginuid holds. Nothing: nobody has logged in, or it is no number.
[[nodiscard]] std::optional<uid_t> login_uid_from(const std::string& text);

}  // namespace memctl::cli
