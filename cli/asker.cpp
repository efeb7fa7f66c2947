// SPDX-License-Identifier: LGPL-2.1-or-later
#include "asker.hpp"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <system_error>

namespace memctl::cli {

std::optional<uid_t> login_uid_from(const std::string& text) {
  constexpr uid_t nobody_logged_in = std::numeric_limits<uid_t>::max();
  uid_t uid{};
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, uid);
  const bool whole = read.ec == std::errc{} && (read.ptr == end || *read.ptr == '\n');
  if (!whole || uid == nobody_logged_in) return std::nullopt;
  return uid;
}

Asker this_asker() {
  std::string login;
  std::getline(std::ifstream{"/proc/self/loginuid"}, login);
  const char* const sudo_user = std::getenv("SUDO_USER");
  return {.uid = ::getuid(),
          .login_uid = login_uid_from(login),
          .claimed_sudo_user = sudo_user != nullptr ? sudo_user : ""};
}

}  // namespace memctl::cli
