// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/facts.hpp"

namespace memctl::guest {

/// The longest value. xenstored lets a guest's node hold 2,048 bytes, with its permissions.
inline constexpr std::size_t longest_value = 1536;
/// The protocol versions that this code speaks.
inline constexpr std::uint32_t protocol_min = 1;
inline constexpr std::uint32_t protocol_max = 1;

/// Messages as xenstore values: base64 of one protobuf message, at most `longest_value` characters.
/// Texts that are too long are cut. Both dom0 and the agent use these functions.
[[nodiscard]] std::string encode(const AgentHello& hello);
[[nodiscard]] std::string encode(const AgentReport& report);
[[nodiscard]] std::string encode(const AgentRequest& request);

/// The message. Nothing: `value` is too long, not base64, not a message, or has a figure or a text
/// out of bounds. `value` may be any bytes, because a hostile guest may have written it. Of a hello
/// without a protocol that is spoken here, only the versions are read.
[[nodiscard]] std::optional<AgentHello> decode_hello(std::string_view value);
[[nodiscard]] std::optional<AgentReport> decode_report(std::string_view value);
[[nodiscard]] std::optional<AgentRequest> decode_request(std::string_view value);

}  // namespace memctl::guest
