// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How slow a guest may be. A page now and then is no progress: a guest that takes or gives back one
// page within each stall time would hold an operation for days, and with it whoever waits for it.
#pragma once

#include <chrono>

#include "host/clock.hpp"
#include "memctl/plan.hpp"
#include "memctl/units.hpp"
#include "plan/input.hpp"

namespace memctl::resize {

/// What a guest has to move of its `way` within each `stall`: a 64th, so that the way takes at most
/// 64 stall times. On long ways and with short stall times that would ask too much of a slow host,
/// so a GiB a minute is always enough. Measured guests move 600 MiB a second or more. At least a
/// page.
[[nodiscard]] Kib least_progress(Kib way, std::chrono::milliseconds stall);
/// How long a guest may take for its way at that pace.
[[nodiscard]] std::chrono::milliseconds longest_time(Kib way, std::chrono::milliseconds stall);

/// How far a stage has come, in both layers that show it: Xen's page count, and the blocks that the
/// guest reports as online. Going back and forth does not count as progress, nor does a guest that
/// counts more blocks than the stage adds.
class Headway {
 public:
  Headway(const plan::Input& facts, const Stage& stage, Pages missing,
          std::chrono::milliseconds stall, host::TimePoint now);

  void note(const plan::Input& facts, Pages missing, host::TimePoint now);

  /// Whether no layer has kept the pace of `least_progress` for the stall time.
  [[nodiscard]] bool is_too_slow(host::TimePoint now) const;
  /// What came nearer since a layer last kept that pace.
  [[nodiscard]] Kib recent() const;
  /// When a layer last came further than ever, however little.
  [[nodiscard]] host::TimePoint moved_at() const { return moved_at_; }
  /// What is still missing of the stage's blocks, by the guest's last report.
  [[nodiscard]] Kib blocks_left(const plan::Input& facts) const;

 private:
  class Layer {
   public:
    Layer(Kib way, std::chrono::milliseconds stall);
    /// Whether the layer comes nearer to its goal than ever.
    bool comes_nearer(Kib left);
    /// Whether it has moved enough since this last returned true.
    bool keeps_pace();
    [[nodiscard]] Kib recent() const { return counted_ - left_; }

   private:
    Kib least_;
    Kib left_;
    Kib counted_;
  };

  std::chrono::milliseconds stall_;
  std::int64_t blocks_to_be_online_;
  Layer pages_;
  Layer blocks_;
  host::TimePoint moved_at_;
  host::TimePoint kept_pace_at_;
};

}  // namespace memctl::resize
