// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/core/kernel.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace memctl::agent {
namespace {

constexpr std::array policy_names{"offline", "online", "online_kernel", "online_movable"};

}  // namespace

const char* name(OnlinePolicy policy) { return policy_names.at(static_cast<std::size_t>(policy)); }

std::optional<OnlinePolicy> policy_named(std::string_view text) {
  const auto found = std::ranges::find(policy_names, text);
  if (found == policy_names.end()) return std::nullopt;
  return static_cast<OnlinePolicy>(found - policy_names.begin());
}

}  // namespace memctl::agent
