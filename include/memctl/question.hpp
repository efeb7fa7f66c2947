// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <optional>

#include "memctl/numa.hpp"
#include "memctl/resize.hpp"
#include "memctl/units.hpp"

namespace memctl {

/// What `Domain::status` depends on. Everything but `stall` concerns the range of sizes: it is the
/// range of resizes with these options, which `ResizeOptions` describes.
struct StatusOptions {
  OnlineZone online{OnlineZone::kernel};
  /// The guest's agent is not asked: the call does not wait for it, and shows nothing of it.
  bool agentless{false};
  bool allow_hvm_devices{false};
  bool force_movable{false};
  Kib host_reserve{64_MiB};
  /// If libxl does not answer for this long, at least 5 s, the call ends with `stalled`: another
  /// tool holds libxl's lock of the domain.
  std::chrono::milliseconds stall{std::chrono::seconds{30}};
  Numa numa{Numa::any};
};

/// What `Domain::plan_resize` depends on: the same, for the planned resize.
struct PlanOptions {
  OnlineZone online{OnlineZone::kernel};
  bool agentless{false};
  bool allow_hvm_devices{false};
  bool force_movable{false};
  Kib host_reserve{64_MiB};
  std::chrono::milliseconds stall{std::chrono::seconds{30}};  ///< As in `StatusOptions`.
  std::optional<std::chrono::milliseconds> wait_agent{};      ///< As in `ResizeOptions`.
  Numa numa{Numa::any};
};

/// What the doctor depends on: the resizes that the caller means to make. The agent is asked in any
/// case.
struct DoctorOptions {
  OnlineZone online{OnlineZone::kernel};
  bool allow_hvm_devices{false};
  bool force_movable{false};
  Kib host_reserve{64_MiB};
  std::chrono::milliseconds stall{std::chrono::seconds{30}};  ///< As in `StatusOptions`.
};

/// The options with which a status, a plan or the doctor tells about resizes with `options`.
[[nodiscard]] inline StatusOptions status_options(const ResizeOptions& options) {
  return {.online = options.online,
          .agentless = options.agentless,
          .allow_hvm_devices = options.allow_hvm_devices,
          .force_movable = options.force_movable,
          .host_reserve = options.host_reserve,
          .stall = options.stall,
          .numa = options.numa};
}
[[nodiscard]] inline PlanOptions plan_options(const ResizeOptions& options) {
  return {.online = options.online,
          .agentless = options.agentless,
          .allow_hvm_devices = options.allow_hvm_devices,
          .force_movable = options.force_movable,
          .host_reserve = options.host_reserve,
          .stall = options.stall,
          .wait_agent = options.wait_agent,
          .numa = options.numa};
}
[[nodiscard]] inline DoctorOptions doctor_options(const ResizeOptions& options) {
  return {.online = options.online,
          .allow_hvm_devices = options.allow_hvm_devices,
          .force_movable = options.force_movable,
          .host_reserve = options.host_reserve,
          .stall = options.stall};
}

}  // namespace memctl
