// SPDX-License-Identifier: LGPL-2.1-or-later
#include "session.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "memctl/size.hpp"
#include "plan/input.hpp"

namespace memctl::property {
namespace {

using host::sim::AgentConduct;
using namespace std::chrono_literals;

/// In this time a guest gives a few MiB back.
constexpr auto settling = 100ms;

Kib part(Kib amount, int thousandths) {
  return round_down(std::max(Kib{}, amount) * thousandths / 1000, kib_per_page);
}

/// The free memory of the kernel's zones that is not promised to the balloon. A guest that still
/// boots has not seen its target.
Kib spare_memory(const host::sim::LinuxGuest& kernel, Kib target) {
  const Kib owed = kernel.balloon_current() - std::min(kernel.balloon_target(), target);
  return kernel.memory().kernel_free() - std::max(Kib{}, owed);
}

}  // namespace

Session::Session(const HostChoice& choice) : simulation_{choice.world}, world_{simulation_.world} {
  for (const auto& spec : choice.guests) {
    if (auto id = world_.try_add_guest(spec)) guests_.push_back(id.value());
  }
  world_.advance(10s);
  // Leave out guests that cannot live with the memory they were given.
  std::erase_if(guests_, [&](DomainId id) {
    const bool dead = !world_.guest(id).alive();
    if (dead) world_.destroy(id);
    return dead;
  });
}

DomainIdentity Session::identity(DomainId id) {
  if (const auto* record = world_.toolstack().find(id)) return record->identity;
  const auto& spec = world_.guest(id).spec();
  return {.id = id, .name = spec.name, .type = spec.type};
}

Limits Session::limits(DomainId id) {
  return {.max_pages = world_.max_pages(id),
          .limit = world_.limit(id),
          .target = world_.target(id),
          .pool = world_.pool(id),
          .frozen_pool = world_.toolstack().find(id)->frozen_pool};
}

bool Session::rests(DomainId id) {
  const auto& kernel = world_.guest(id).kernel();
  return kernel.life() == host::sim::LinuxGuest::Life::running &&
         kernel.balloon_target() == kernel.balloon_current();
}

Session::Before Session::look(DomainId id) {
  const auto& kernel = world_.guest(id).kernel();
  Before before{.available = world_.host_free() - world_.host_claimed(),
                .at_rest = rests(id),
                .allocated = world_.allocated(id),
                .blocks_offline = kernel.blocks_offline(),
                .adds_blocks = kernel.adds_blocks()};
  for (const DomainId each : guests_) {
    if (stands(each)) before.limits[each] = limits(each);
    // A guest that was saved in the middle goes on by itself after its restore.
    before.others_rest = before.others_rest && (each == id || rests(each));
    before.oom_kills[each] = world_.guest(each).kernel().memory().oom_kills();
  }
  return before;
}

SizeRequest Session::request(DomainId id, const Step& step) {
  const Kib now = world_.allocated(id);
  const Kib spare = world_.host_free();
  switch (step.goal) {
    case Goal::up:
      return now + part(spare, step.amount);
    case Goal::beyond:
      return now + part(spare * 2, step.amount);
    case Goal::down:
      return std::max(4_KiB, part(now, step.amount));
    case Goal::by_pages:
      return std::max(4_KiB, now + kib_per_page * (step.amount - 500));
    case Goal::largest: {
      const auto status = simulation_.run(
          resize::status_of(simulation_.port(), identity(id), resize::question_of(step.options)));
      const bool offered = status && status.value().range;
      return offered ? status.value().range->largest.size : now;
    }
    case Goal::floor: {
      const auto refused = simulation_.run(resize::plan_only(
          simulation_.port(), identity(id), 4_KiB, resize::question_of(step.options)));
      const bool offered = !refused && refused.error().range;
      return offered ? refused.error().range->smallest.size : now;
    }
    case Goal::same:
      return SizeRequest::relative(Kib{});
  }
  return now;
}

void Session::trouble(DomainId id, const Step& step) {
  if (!stands(id)) return;
  auto& guest = world_.guest(id);
  const int amount = step.trouble_amount;
  switch (step.trouble) {
    case Trouble::none:
    case Trouble::cancelled:
      break;
    case Trouble::host_memory_taken:
      taken_ += world_.take_host_memory(part(world_.host_free() - world_.host_claimed(), amount));
      break;
    case Trouble::host_memory_given_back:
      taken_ += world_.take_host_memory(-part(taken_, amount));
      break;
    case Trouble::guest_takes_memory:
      // At most an eighth of what the guest can spare: no guest survives a process that takes what
      // the kernel itself needs, or what its balloon has been told to take.
      if (const Kib spare = spare_memory(guest.kernel(), *world_.target(id)); spare >= 64_MiB) {
        guest.kernel().hold(part(spare / 8, amount));
      }
      break;
    case Trouble::guest_frees_memory:
      guest.kernel().hold(-part(guest.kernel().memory().hog(), amount));
      break;
    case Trouble::agent_killed:
      guest.agent().kill();
      break;
    case Trouble::agent_back:
      guest.agent().set_conduct(AgentConduct::normal);
      if (guest.kernel().life() == host::sim::LinuxGuest::Life::running) guest.agent().start(id);
      break;
    case Trouble::agent_starts_anew:
      guest.agent().stop();
      world_.after(std::chrono::milliseconds{amount * 3}, [this, id] {
        if (!stands(id)) return;
        auto& same = world_.guest(id);
        if (same.kernel().life() == host::sim::LinuxGuest::Life::running) same.agent().start(id);
      });
      break;
    case Trouble::rival_target:
      // A trouble that would kill the guest by itself proves nothing.
      if (spare_memory(guest.kernel(), *world_.target(id)) < 64_MiB) break;
      static_cast<void>(world_.mem_set(
          id, std::min(*world_.limit(id), world_.allocated(id)) - 4_MiB - Kib{amount % 4}));
      break;
    case Trouble::held_below: {
      if (spare_memory(guest.kernel(), *world_.target(id)) < 64_MiB) break;
      const Kib low = *world_.target(id) - 3_MiB;
      static_cast<void>(world_.write_target(id, low));
      world_.after(settling, [this, id, low, amount] {
        if (!stands(id)) return;
        world_.set_max_pages(id, world_.allocated(id));
        const Kib most = *world_.limit(id) - world_.guest(id).spec().video_ram;
        static_cast<void>(world_.write_target(id, std::min(low + 1_MiB - Kib{amount}, most)));
      });
      break;
    }
    case Trouble::paused_a_while:
      world_.pause(id);
      world_.after(std::chrono::milliseconds{amount * 10}, [this, id] {
        if (stands(id)) world_.unpause(id);
      });
      break;
    case Trouble::save_begins:
      world_.set_save_in_progress(id, true);
      break;
    case Trouble::save_ends:
      world_.set_save_in_progress(id, false);
      break;
    case Trouble::saved_and_restored: {
      // The model keeps no populate-on-demand entries across a restore.
      if (guest.kernel().life() != host::sim::LinuxGuest::Life::running ||
          world_.xen().find(id)->pod_entries > Pages{}) {
        break;
      }
      const bool fits = world_.host_free() >= world_.pool(id);  // a pool may be larger afterwards
      const auto restored = world_.save_and_restore(id);
      if (fits) RC_ASSERT(restored.has_value());
      std::erase(guests_, id);
      if (restored) guests_.push_back(restored.value());
      break;
    }
    case Trouble::rebooted:
      // The new domain needs memory for its whole limit, which can be more than the guest has now,
      // and boots with as little free memory as before.
      if (world_.host_free() < *world_.limit(id) || guest.spec().linux.kernel_free) break;
      std::erase(guests_, id);
      guests_.push_back(world_.reboot(id));
      break;
    case Trouble::destroyed:
      world_.destroy(id);
      std::erase(guests_, id);
      break;
  }
}

bool Session::takes_domain_away(Trouble trouble) {
  return trouble == Trouble::saved_and_restored || trouble == Trouble::rebooted ||
         trouble == Trouble::destroyed;
}

bool Session::sets_limits(Trouble trouble) {
  return trouble == Trouble::rival_target || trouble == Trouble::held_below;
}

void Session::follow(Step step) {
  if (guests_.empty()) return;
  const auto index = static_cast<std::size_t>(step.guest) % guests_.size();
  // Without an agent nothing tells how little a guest has left: the caller takes that risk.
  for (const DomainId id : guests_) {
    const auto& memory = world_.guest(id).kernel().memory();
    // Describing eight times what a pv guest booted with takes up to a seventh of that.
    const Kib booted = world_.guest(id).spec().memory;
    if (memory.kernel_free() < booted / 7 + memory.watermark() * 2) step.options.agentless = false;
  }
  const bool before_it = step.at < 0ms;
  if (before_it) {
    trouble(guests_[index], step);
    world_.advance(step.trouble == Trouble::held_below ? settling + 10ms : 10ms);
  }
  if (guests_.size() <= index) return;
  const DomainId id = guests_[index];
  const DomainId other = guests_[(index + 1) % guests_.size()];

  const SizeRequest size = request(id, step);
  const Before before = look(id);
  bool restores = false;
  bool restored_in_one_phase = true;
  ResizeOptions options = step.options;
  options.on_event = [&](const Event& event) {
    restores = restores || event.phase == Phase::restore;
    if (restores && event.phase != Phase::restore) restored_in_one_phase = false;
  };
  resize::ResizeOperation operation{simulation_.port(), identity(id), size, options};
  std::optional<resize::ResizeOperation> second;
  std::optional<Result<Report>> second_ended;
  if (step.another_too && other != id) {
    second.emplace(simulation_.port(), identity(other), request(other, step), step.options);
  }
  // A trouble that comes too late comes before the next step.
  auto running = std::make_shared<bool>(true);
  if (!before_it) {
    world_.after(step.at, [this, id, step, running, &operation] {
      if (*running && step.trouble == Trouble::cancelled) operation.cancel();
      trouble(id, step);
    });
  }
  if (second) {
    boost::asio::co_spawn(
        simulation_.context,
        [&]() -> boost::asio::awaitable<void> {
          second_ended.emplace(std::move(*co_await second->run()));
        },
        [](const std::exception_ptr& thrown) {
          if (thrown) std::rethrow_exception(thrown);
        });
  }
  const Result<Report> ended = simulation_.run(operation.run());
  if (second) {
    simulation_.context.restart();
    simulation_.connection.run_until([&] { return second_ended.has_value(); });
    ++operations_;
  }
  *running = false;
  ++operations_;
  world_.advance(step.at > 0ms ? step.at : 1ms);
  if (step.trouble == Trouble::held_below) world_.advance(settling);

  RC_ASSERT(restored_in_one_phase);
  check_world(before, step);
  const bool undisturbed =
      !second && (before_it || step.trouble == Trouble::none || step.trouble == Trouble::cancelled);
  check_end(id, before, ended, step, undisturbed);
  // An offered range holds only for the figures at that moment.
  const bool still = stands(id) && look(id).available == before.available &&
                     world_.allocated(id) == before.allocated;
  if (undisturbed && before.at_rest && before.others_rest && still && !ended) {
    check_offer(id, ended.error(), step);
  }
}

}  // namespace memctl::property
