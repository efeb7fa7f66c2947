// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/facts.hpp"
#include "host/sim/guest_memory.hpp"
#include "host/sim/guest_time.hpp"
#include "host/sim/store_model.hpp"
#include "host/sim/xen_model.hpp"

namespace memctl::host::sim {

/// The guest's kernel.
struct LinuxSpec {
  std::string kernel_release{"6.1.0-sim-amd64"};
  std::string kernel_build{"#1 SMP PREEMPT_DYNAMIC simulated"};
  std::string machine{"x86_64"};  ///< uname's. i686: the kernel has 32 bits. See `of_32_bits`.
  bool hotplug{true};  ///< CONFIG_XEN_BALLOON_MEMORY_HOTPLUG. Without it there still are blocks.
  Kib block_size{128_MiB};
  /// auto_online_blocks: offline, online, online_kernel or online_movable.
  std::string online_policy{"offline"};
  bool online_fails{false};  ///< Blocks cannot be brought online.
  /// What its agent found in udev's rules. Nothing: the agent does not look.
  std::optional<std::string> udev_rule{std::string{}};
  RuleAction udev_rule_action{RuleAction::online};
  std::optional<Kib> kernel_free{};  ///< After the boot. Nothing: as in the measured guests.
  Kib reclaimable{};                 ///< Page cache, in addition to what is free.
  /// pv: XEN_MEMORY_HOTPLUG_LIMIT. Nothing: 512 GiB, and 4 GiB on 32 bits.
  std::optional<Kib> hotplug_limit{};
  Kib off_target{};            ///< pv: how far it stays below its target (6.12.24).
  Kib populated_per_second{};  ///< Zero: 2 GiB on pv, 1 GiB on pvh and hvm.
  Duration boot{std::chrono::seconds{12}};

  [[nodiscard]] bool has_32_bits() const { return is_32_bit_machine(machine); }
  /// A kernel of 32 bits with PAE and memory hotplug, of the last series that adds memory to
  /// HighMem. Its memory block is a section.
  [[nodiscard]] static LinuxSpec of_32_bits() {
    LinuxSpec spec;
    spec.kernel_release = "4.12.14-sim-686-pae";
    spec.machine = "i686";
    spec.block_size = 512_MiB;
    return spec;
  }
};

/// Xen's balloon driver in Linux 6.1 (drivers/xen/balloon.c, XEN-FACTS section 3), with the memory
/// hotplug that it drives. The driver sends no message out of the guest: dom0 has to look at the
/// domain's pages or ask the agent.
class LinuxGuest {
 public:
  enum class Life { booting, running, oopsed, panicked };
  enum class Balloon { done, waiting_for_online, again, cancelled };

  LinuxGuest(GuestTime& time, XenModel& xen, StoreModel& store, LinuxSpec spec);

  /// Starts with the memory that the builder populated. `boot_memory` is the memory that the kernel
  /// believes to have.
  void boot(DomainId domain, DomainType type, Kib boot_memory, Kib populated);
  /// The kernel is up: the balloon driver reads static-max and target for the first time.
  void start_ballooning();
  /// After a restore: the same kernel continues in another domain.
  void move_to(DomainId domain);

  [[nodiscard]] Life life() const { return life_; }
  [[nodiscard]] Balloon balloon() const { return balloon_; }
  [[nodiscard]] const LinuxSpec& spec() const { return spec_; }
  [[nodiscard]] LinuxSpec& spec() { return spec_; }
  [[nodiscard]] GuestMemory& memory() { return memory_; }
  [[nodiscard]] const GuestMemory& memory() const { return memory_; }
  [[nodiscard]] Kib balloon_target() const { return target_; }
  [[nodiscard]] Kib balloon_current() const { return current_; }
  [[nodiscard]] Kib balloon_inflated() const {
    return ballooned_kernel_ + ballooned_high_ + ballooned_movable_;
  }
  /// What a moving balloon has added to MemTotal, or taken from it, and not yet counted as its own.
  [[nodiscard]] Kib balloon_in_hand() const;
  [[nodiscard]] std::int64_t blocks_present() const;
  [[nodiscard]] std::int64_t blocks_offline() const;
  [[nodiscard]] std::int64_t blocks_movable() const;
  /// Whether blocks are still to come, for a target that may have changed since.
  [[nodiscard]] bool adds_blocks() const { return adding_ > Kib{}; }
  /// /proc/pressure/memory, some avg10, in percent.
  [[nodiscard]] double pressure() const;
  /// The lines of the kernel's log that are about memory.
  [[nodiscard]] const std::vector<std::string>& log() const { return log_; }

  /// Writes auto_online_blocks.
  void set_online_policy(std::string policy) { spec_.online_policy = std::move(policy); }
  /// Writes the balloon driver's own target, as root in the guest may.
  void set_balloon_target(Kib wanted);
  /// Brings one of the offline blocks online. False: it failed.
  bool online_block(bool movable);
  /// A process takes memory and keeps it, or frees it (negative).
  void hold(Kib amount);
  /// The agent locks memory for itself, or gives it back (negative).
  void lock(Kib amount) { memory_.lock(amount); }
  void set_pressure(std::optional<double> percent) { pressure_ = percent; }

  /// The uevents: called when blocks appear or come online. The balloon sends no uevents.
  std::function<void()> on_uevent{};
  /// Called once if the kernel panics.
  std::function<void()> on_panic{};

 private:
  void watch_target();
  void read_target();
  void wake();
  void work();
  /// The thread works on after `later`.
  void go_on(Duration later);
  void end_work(Balloon state);
  void sleep_on();
  [[nodiscard]] Balloon populate(Kib credit);
  [[nodiscard]] Balloon add_memory();
  void add_block();
  [[nodiscard]] Balloon shrink(Kib credit);
  [[nodiscard]] Balloon schedule(Balloon state);
  void settle_starvation();
  void panic(const std::string& message);
  void send_uevent() const;
  /// What the balloon moves in a second.
  [[nodiscard]] Kib rate() const;
  [[nodiscard]] Kib chunk(Kib credit) const;
  [[nodiscard]] Duration time_for(Kib amount) const;
  [[nodiscard]] Duration block_time() const;
  /// What the balloon driver rounds up to.
  [[nodiscard]] Kib section() const;
  /// Whether the kernel has no addresses for so much more memory.
  [[nodiscard]] bool lacks_addresses(Kib added) const;

  GuestTime& time_;
  XenModel& xen_;
  StoreModel& store_;
  LinuxSpec spec_;
  GuestMemory memory_{};
  DomainId domain_{};
  DomainType type_{DomainType::pv};
  Life life_{Life::booting};
  std::vector<std::string> log_{};
  std::optional<double> pressure_{};

  // balloon_stats
  Balloon balloon_{Balloon::done};
  Kib current_{};
  Kib target_{};
  Kib total_{};        ///< total_pages, with hotplugged memory, online or not.
  Kib target_diff_{};  ///< Fixed when the driver first reads static-max.
  Kib ballooned_kernel_{};
  Kib ballooned_high_{};
  Kib ballooned_movable_{};
  std::int64_t schedule_delay_{1};
  std::int64_t retry_count_{1};
  Duration busy_{};  ///< The time that the last step of work took.
  // balloon_thread
  bool asleep_{true};
  TimePoint asleep_since_{};
  Kib credit_asleep_{};  ///< The credit when it fell asleep.

  // Hotplug, counted in memory and not in blocks.
  Kib boot_memory_{};
  Kib adding_{};  ///< What add_memory is still to make.
  Kib hotplugged_{};
  Kib offline_{};
  Kib movable_{};
  bool onlined_before_{false};

  GuestTimer thread_;
  StoreModel::Registration target_watch_{};
};

}  // namespace memctl::host::sim
