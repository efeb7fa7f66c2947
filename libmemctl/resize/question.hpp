// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>

#include "base/finite.hpp"
#include "host/clock.hpp"
#include "plan/input.hpp"

namespace memctl::resize {

/// How a domain is asked.
struct Question {
  plan::Terms terms{};
  /// How long libxl may be silent.
  host::Duration stall{std::chrono::seconds{30}};
  /// How long to wait for an agent that does not answer yet.
  host::Duration wait_agent{};
};

/// The question of any of the public options.
template <class Options>
[[nodiscard]] Question question_of(const Options& options) {
  Question question{.terms = {.host_reserve = options.host_reserve,
                              .online = options.online,
                              .allow_hvm_devices = options.allow_hvm_devices,
                              .force_movable = options.force_movable},
                    .stall = finite(options.stall)};
  if constexpr (requires { options.agentless; }) question.terms.agentless = options.agentless;
  if constexpr (requires { options.numa; }) question.terms.numa = options.numa;
  if constexpr (requires { options.wait_agent; }) {
    if (options.wait_agent) question.wait_agent = finite(*options.wait_agent);
  }
  return question;
}

}  // namespace memctl::resize
