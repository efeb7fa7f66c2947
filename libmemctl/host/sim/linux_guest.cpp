// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/linux_guest.hpp"

#include <algorithm>

namespace memctl::host::sim {
namespace {

constexpr Kib section_of_64_bits = 128_MiB;
constexpr Kib address_limit_with_pae = 64_GiB;
/// The part of the addresses below 4 GiB that is no memory in a pvh or hvm guest.
constexpr Kib hole = 1_GiB;
constexpr Kib balloon_batch = 2_MiB;  // frame_list: a page of frame numbers
constexpr std::int64_t max_retry_count = 4;
constexpr std::int64_t max_schedule_delay = 32;  // seconds
constexpr Duration reaction = std::chrono::milliseconds{1};
constexpr Duration section_time = std::chrono::milliseconds{2};
/// How long the thread waits for added blocks to come online before it looks again (BP_WAIT).
constexpr Duration wait_for_online = std::chrono::seconds{1};

/// What describing one section takes: page descriptors; on pv also page tables and p2m (16 and 20
/// MiB per GiB, measured). On 32 bits page descriptors, and on pv p2m: high memory has no page
/// tables.
Kib section_cost(DomainType type, bool has_32_bits) {
  if (has_32_bits) return type == DomainType::pv ? 4608_KiB : 4096_KiB;
  return type == DomainType::pv ? 2560_KiB : 2048_KiB;
}

/// What the first block takes in addition when it comes online. In all, 2.1 to 2.8 MiB were
/// measured.
Kib first_online_cost(DomainType type) { return type == DomainType::pv ? 256_KiB : 128_KiB; }

/// The part of a guest's memory that its kernel does not find (measured).
Kib not_seen(DomainType type) {
  switch (type) {
    case DomainType::pv:
      return Kib{};
    case DomainType::pvh:
      return 388_KiB;
    case DomainType::hvm:
      return 396_KiB;
  }
  return Kib{};
}

std::string home_of(DomainId domain) {
  return "/local/domain/" + std::to_string(number(domain)) + "/";
}

}  // namespace

LinuxGuest::LinuxGuest(GuestTime& time, XenModel& xen, StoreModel& store, LinuxSpec spec)
    : time_{time}, xen_{xen}, store_{store}, spec_{std::move(spec)}, thread_{time} {}

void LinuxGuest::boot(DomainId domain, DomainType type, Kib boot_memory, Kib populated) {
  domain_ = domain;
  type_ = type;
  boot_memory_ = round_down(boot_memory, kib_per_page);
  const Kib seen =
      type == DomainType::pv ? round_down(populated, kib_per_page) : boot_memory_ - not_seen(type);
  const bool narrow = spec_.has_32_bits();
  memory_ = GuestMemory{seen, spec_.kernel_free.value_or(GuestMemory::usually_free(seen, narrow)),
                        spec_.reclaimable, narrow};
  current_ = seen;
  target_ = seen;
  total_ = type == DomainType::pv ? boot_memory_ : seen;
  ballooned_kernel_ = total_ - seen;  // pv: the builder left this room for ballooning up
  if (narrow) {
    const Kib low = GuestMemory::most_low_memory;
    ballooned_high_ = ballooned_kernel_;
    ballooned_kernel_ = std::min(total_, low) - std::min(seen, low);
    ballooned_high_ -= ballooned_kernel_;
  }
}

void LinuxGuest::start_ballooning() {
  life_ = Life::running;
  if (type_ == DomainType::pv) {
    target_diff_ = spec_.off_target;
  } else {
    const auto limit = store_.read_kib(domain_, home_of(domain_) + "memory/static-max");
    if (limit) target_diff_ = round_down(*limit, kib_per_page) - current_;
  }
  watch_target();
  read_target();
  // The kernel does not say so again after a restore (drivers/xen/manage.c).
  store_.write(domain_, home_of(domain_) + "control/feature-poweroff", "1").value();
}

void LinuxGuest::move_to(DomainId domain) {
  domain_ = domain;
  watch_target();
  read_target();
}

void LinuxGuest::watch_target() {
  target_watch_ =
      store_.watch(home_of(domain_) + "memory/target", [this](const auto&) { read_target(); });
}

void LinuxGuest::read_target() {
  const auto wanted = store_.read_kib(domain_, home_of(domain_) + "memory/target");
  if (!wanted || life_ != Life::running || time_.stopped()) return;
  set_balloon_target(round_down(*wanted, kib_per_page) - target_diff_);
}

void LinuxGuest::set_balloon_target(Kib wanted) {
  const Kib target = round_down(wanted, kib_per_page);
  if (target == target_) return;
  target_ = target;
  if (asleep_) thread_.set(reaction, [this] { wake(); });
}

/// balloon_thread_cond (balloon.c): whatever wakes the thread, it sleeps on unless its credit is
/// another than when it fell asleep. So a target that is taken back before the thread has run is
/// not seen.
void LinuxGuest::wake() {
  if (target_ - current_ != credit_asleep_) return work();
  sleep_on();
}

void LinuxGuest::work() {
  if (life_ != Life::running) return;
  asleep_ = false;
  const Kib credit = target_ - current_;
  busy_ = Duration{};
  Balloon state = Balloon::done;
  if (credit > Kib{}) {
    state = balloon_inflated() > Kib{} ? populate(credit) : add_memory();
    if (adding_ > Kib{}) return go_on(block_time());
  } else if (credit < Kib{}) {
    state = shrink(-credit);
  }
  end_work(state);
}

void LinuxGuest::go_on(Duration later) {
  thread_.set(later, [this] { adding_ > Kib{} ? add_block() : work(); });
}

void LinuxGuest::end_work(Balloon state) {
  if (life_ != Life::running) return;
  balloon_ = schedule(state);
  if (balloon_ == Balloon::done && target_ != current_) return go_on(busy_);
  asleep_ = true;
  asleep_since_ = time_.clock().now();
  credit_asleep_ = target_ - current_;
  sleep_on();
}

/// Sets when the sleeping thread looks by itself. It looks each hour even when it has nothing to do
/// or gave up; that is left out. While no block is online it looks in vain, so that is left out,
/// too.
void LinuxGuest::sleep_on() {
  const Duration slept = time_.clock().now() - asleep_since_;
  if (balloon_ == Balloon::again) {
    return thread_.set(std::chrono::seconds{schedule_delay_} - slept, [this] { work(); });
  }
  if (balloon_ == Balloon::waiting_for_online && balloon_inflated() > Kib{}) {
    return thread_.set(wait_for_online - slept % wait_for_online, [this] { work(); });
  }
  thread_.cancel();
}

/// Linux's update_schedule (balloon.c).
LinuxGuest::Balloon LinuxGuest::schedule(Balloon state) {
  if (state == Balloon::waiting_for_online || state == Balloon::cancelled) return state;
  if (state == Balloon::done) {
    schedule_delay_ = 1;
    retry_count_ = 1;
    return state;
  }
  if (++retry_count_ > max_retry_count) {
    schedule_delay_ = 1;
    retry_count_ = 1;
    return Balloon::cancelled;
  }
  schedule_delay_ = std::min(schedule_delay_ * 2, max_schedule_delay);
  return Balloon::again;
}

Kib LinuxGuest::rate() const {
  if (spec_.populated_per_second > Kib{}) return spec_.populated_per_second;
  return type_ == DomainType::pv ? 2_GiB : 1_GiB;
}

Kib LinuxGuest::chunk(Kib credit) const {
  // Large requests go in larger steps, so that the number of events grows slower than the memory. A
  // slow guest moves a second's worth at once.
  const Kib step = std::clamp(round_down(credit / 64, 2_MiB), 32_MiB, 1_GiB);
  const Kib within_a_second = std::max(kib_per_page, round_down(rate(), kib_per_page));
  return std::min({credit, step, within_a_second});
}

Duration LinuxGuest::time_for(Kib amount) const {
  return std::chrono::microseconds{amount.count() * 1'000'000 / rate().count()};
}

LinuxGuest::Balloon LinuxGuest::populate(Kib credit) {
  XenDomain* domain = xen_.find(domain_);
  if (domain == nullptr) return Balloon::cancelled;
  // The balloon's list has low memory first (balloon_append).
  using Zone = GuestMemory::ZoneName;
  const Zone zone = ballooned_kernel_ > Kib{} ? Zone::kernel
                    : ballooned_high_ > Kib{} ? Zone::high
                                              : Zone::movable;
  Kib& ballooned = zone == Zone::kernel ? ballooned_kernel_
                   : zone == Zone::high ? ballooned_high_
                                        : ballooned_movable_;
  const Kib wanted = std::min(chunk(credit), ballooned);
  const Kib got = to_kib(xen_.populate(*domain, to_pages(wanted)).done);
  if (got == Kib{}) return Balloon::again;
  ballooned -= got;
  current_ += got;
  memory_.grow(got, zone);
  busy_ = time_for(got);
  return Balloon::done;
}

LinuxGuest::Balloon LinuxGuest::add_memory() {
  if (!spec_.hotplug) {
    target_ = current_;
    return Balloon::cancelled;
  }
  if (target_ <= total_) return Balloon::waiting_for_online;
  const Kib added = round_up(target_ - total_, section());
  if (lacks_addresses(added)) {
    log_.emplace_back("xen:balloon: New System RAM resource outside addressable RAM");
    return Balloon::cancelled;
  }
  if (added != round_down(added, spec_.block_size)) {
    log_.emplace_back("Block size unaligned hotplug range");
    log_.emplace_back("xen:balloon: Cannot add additional memory (-22)");
    return Balloon::cancelled;
  }
  const int sections = static_cast<int>(added / section());
  const int described = memory_.describe(sections, section_cost(type_, spec_.has_32_bits()));
  if (described < sections) {
    log_.emplace_back("xen:balloon: Cannot add additional memory (-12)");
    settle_starvation();
    return Balloon::cancelled;
  }
  total_ += added;
  adding_ = added;
  settle_starvation();
  return Balloon::waiting_for_online;
}

Duration LinuxGuest::block_time() const {
  return section_time * std::max<std::int64_t>(1, spec_.block_size / section_of_64_bits);
}

Kib LinuxGuest::section() const {
  return spec_.has_32_bits() ? spec_.block_size : section_of_64_bits;
}

bool LinuxGuest::lacks_addresses(Kib added) const {
  const Kib end = round_up(boot_memory_, section()) + hotplugged_ + added;
  if (type_ == DomainType::pv) {
    return end > spec_.hotplug_limit.value_or(spec_.has_32_bits() ? 4_GiB : 512_GiB);
  }
  return spec_.has_32_bits() && end + hole > address_limit_with_pae;
}

/// add_memory_resource makes one block after the other. The thread sleeps only after the last.
void LinuxGuest::add_block() {
  if (life_ != Life::running) return;
  hotplugged_ += spec_.block_size;
  offline_ += spec_.block_size;
  adding_ -= spec_.block_size;
  const bool movable = spec_.online_policy == "online_movable" ||
                       (spec_.online_policy == "online" && movable_ > Kib{});
  if (spec_.online_policy == "offline" || !online_block(movable)) send_uevent();
  if (adding_ > Kib{}) return go_on(block_time());
  end_work(Balloon::waiting_for_online);
}

bool LinuxGuest::online_block(bool movable) {
  if (spec_.online_fails || life_ != Life::running) return false;
  Kib& kernel = spec_.has_32_bits() ? ballooned_high_ : ballooned_kernel_;
  (movable ? ballooned_movable_ : kernel) += spec_.block_size;
  if (movable) movable_ += spec_.block_size;
  offline_ -= spec_.block_size;
  if (!std::exchange(onlined_before_, true)) memory_.use(first_online_cost(type_));
  settle_starvation();
  // xen_memory_notifier (balloon.c) wakes the thread, whose credit is the same as before.
  if (asleep_ && balloon_ == Balloon::waiting_for_online) sleep_on();
  send_uevent();
  return true;
}

LinuxGuest::Balloon LinuxGuest::shrink(Kib credit) {
  XenDomain* domain = xen_.find(domain_);
  if (domain == nullptr) return Balloon::cancelled;
  // si_mem_available counts the movable zone, although the balloon can take nothing from it.
  const Kib allowed = round_down(memory_.available(), kib_per_page);
  const Kib wanted = std::min(chunk(credit), allowed);
  const Kib high = memory_.shrink_high(wanted);
  const Kib got = high + memory_.shrink(wanted - high);
  const Kib freed = to_kib(xen_.decrease(*domain, to_pages(got)));
  ballooned_high_ += std::min(high, freed);
  ballooned_kernel_ += freed - std::min(high, freed);
  current_ -= freed;
  busy_ = time_for(freed);
  if (freed < got) {
    life_ = Life::oopsed;
    log_.emplace_back("kernel BUG at drivers/xen/balloon.c:493!");
    return Balloon::cancelled;
  }
  settle_starvation();
  return got == Kib{} ? Balloon::again : Balloon::done;
}

void LinuxGuest::hold(Kib amount) {
  const Kib before = memory_.hog();
  memory_.hold(amount);
  const bool satisfied = memory_.hog() == before + amount;
  if (!satisfied && memory_.kill_hog()) log_.emplace_back("Out of memory: Killed process (hog)");
  settle_starvation();
}

void LinuxGuest::settle_starvation() {
  while (life_ == Life::running && memory_.starved()) {
    if (memory_.reclaimable() > Kib{}) {
      memory_.reclaim();
    } else if (memory_.kill_hog()) {
      log_.emplace_back("Out of memory: Killed process (hog)");
    } else {
      panic("Kernel panic - not syncing: System is deadlocked on memory");
    }
  }
}

void LinuxGuest::panic(const std::string& message) {
  life_ = Life::panicked;
  log_.push_back(message);
  time_.stop();
  if (on_panic) on_panic();
}

void LinuxGuest::send_uevent() const {
  if (on_uevent) on_uevent();
}

Kib LinuxGuest::balloon_in_hand() const {
  const Kib credit = target_ - current_;
  const bool moving = !asleep_ && adding_ == Kib{};
  if (!moving || (credit > Kib{} && balloon_inflated() == Kib{})) return {};
  return std::clamp(credit, -balloon_batch, balloon_batch);
}

double LinuxGuest::pressure() const {
  if (pressure_) return *pressure_;
  const double comfortable = 0.08 * static_cast<double>(memory_.total().count());
  const double left = static_cast<double>(memory_.available().count());
  return left >= comfortable ? 0.0 : 60.0 * (1.0 - left / comfortable);
}

std::int64_t LinuxGuest::blocks_present() const {
  return (round_up(boot_memory_, spec_.block_size) + hotplugged_) / spec_.block_size;
}

std::int64_t LinuxGuest::blocks_offline() const { return offline_ / spec_.block_size; }
std::int64_t LinuxGuest::blocks_movable() const { return movable_ / spec_.block_size; }

}  // namespace memctl::host::sim
