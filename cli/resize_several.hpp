// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "ending.hpp"
#include "environment.hpp"
#include "event_queue.hpp"
#include "memctl/operation.hpp"
#include "options.hpp"
#include "requests.hpp"

namespace memctl::cli {

/// Starts a request's resize. Its events and its end go to `queue`, as those of operation `number`.
[[nodiscard]] Operation start(const Request& request, std::size_t number, const Options& options,
                              const std::shared_ptr<EventQueue>& queue);

/// How an operation that has ended ended.
[[nodiscard]] Ending ending_of(const Operation& operation, const Request& request);
/// The process ends during an operation. The operation's record stays, and memctl recover will find
/// its owner dead. Notes this end, which the host's log will not tell.
[[nodiscard]] Ending abandoned(const Request& request, std::chrono::milliseconds elapsed,
                               Environment& environment);

/// Brings several domains to their sizes at the same time, and writes a line for each as it ends.
/// An interruption cancels all that go on. Returns the worst of their exit codes.
[[nodiscard]] ExitCode resize_several(const std::vector<Request>& requests, const Options& options,
                                      Environment& environment);

}  // namespace memctl::cli
