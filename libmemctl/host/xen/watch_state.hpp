// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <utility>

#include "host/clock.hpp"

namespace memctl::host::xen {

/// The state of one watch: whether anything changed, and how fast events come.
///
/// A guest that changes a node as fast as it can would keep this process busy for ever. So the
/// watch ends after more than `most_per_second` events in a second. It says "changed" a last time
/// and then nothing more. Its operation ends by its own deadlines, and other operations continue.
struct WatchState {
  static constexpr int most_per_second = 1000;
  enum class Verdict { go_on, flooded };

  WatchState(std::string node, std::string id, Wakeup& sleeper)
      : path{std::move(node)}, token{std::move(id)}, wakeup{&sleeper} {}

  [[nodiscard]] Verdict on_event(TimePoint now) {
    if (flooded) return Verdict::go_on;
    if (now - second >= std::chrono::seconds{1}) {
      second = now;
      events = 0;
    }
    changed = true;
    flooded = ++events > most_per_second;
    return flooded ? Verdict::flooded : Verdict::go_on;
  }

  std::string path;
  std::string token;
  Wakeup* wakeup;
  bool changed{true};
  bool flooded{false};
  TimePoint second{};
  int events{0};
};

}  // namespace memctl::host::xen
