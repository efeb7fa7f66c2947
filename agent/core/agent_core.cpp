// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/core/agent_core.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

namespace memctl::agent {
namespace {

// Some kernels always leave a pv guest's balloon a few pages off its target.
constexpr Kib balloon_slack{64};

std::string failure(const std::string& what, int error) {
  return what + ": " + std::strerror(error);
}

}  // namespace

AgentCore::AgentCore(const Surroundings& surroundings)
    : kernel_{surroundings.kernel},
      ballast_{surroundings.ballast},
      records_{surroundings.records},
      outbox_{surroundings.outbox},
      process_{surroundings.process},
      now_{process_.now()},
      report_sequence_{static_cast<std::uint64_t>(now_.count())} {
  blocks_.reserve(1024);
}

void AgentCore::start(const std::optional<AgentRequest>& standing) {
  now_ = process_.now();
  record_ = records_.load().value_or(Record{});
  const bool resumable = record_.active && now_ < record_.lease_end;
  if (record_.active) {
    process_.log(resumable ? "resuming the operation that an earlier agent served"
                           : "an earlier agent's operation is over");
    if (resumable) {
      look(true);
      if (!record_.baseline_known) {
        std::ranges::transform(blocks_, std::back_inserter(record_.baseline), &Block::id);
        record_.baseline_known = true;
      }
      apply_policy();
      dirty_ = true;
    } else {
      end_operation();
    }
  }
  if (!standing) {
    request_absent();
  } else if (!was_carried_out(*standing)) {
    carry_out(*standing);
  }
  if (!record_.active) take_ballast();
  save();  // so that the record's file has its memory from now on
  tick();
}

void AgentCore::request(const AgentRequest& request) {
  now_ = process_.now();
  if (request.operation == record_.last_operation && request.sequence <= record_.last_sequence) {
    return;
  }
  carry_out(request);
}

void AgentCore::request_absent() { record_.last_sequence = 0; }

bool AgentCore::was_carried_out(const AgentRequest& request) const {
  return request.operation == record_.last_operation && request.sequence == record_.last_sequence;
}

void AgentCore::mailbox_replaced(const std::optional<AgentRequest>& standing) {
  now_ = process_.now();
  if (standing && was_carried_out(*standing)) {  // only the guest's own nodes were removed
    dirty_ = record_.active;
    return;
  }
  if (record_.active) {
    process_.log("the operation was left behind by a restore or migration");
    end_operation();
  }
  request_absent();
  if (standing) carry_out(*standing);
}

void AgentCore::carry_out(const AgentRequest& request) {
  ballast_.lend_if_needed(kernel_.free_memory());
  record_.last_operation = request.operation;
  record_.last_sequence = request.sequence;
  switch (request.kind) {
    case RequestKind::observe:
      if (record_.active && record_.operation == request.operation) {
        record_.sequence = request.sequence;
        record_.lease_end = now_ + std::chrono::seconds{request.lease_seconds};
      }
      save();
      look(true);
      publish(phase(), &request);
      // This report has replaced the report for the operation, which dom0 may not have read yet.
      dirty_ = record_.active && record_.operation != request.operation;
      break;
    case RequestKind::prepare:
      prepare(request);
      break;
    case RequestKind::release:
      if (record_.active) process_.log("operation released");
      end_operation();
      look(true);
      publish(AgentPhase::released, &request);
      break;
  }
}

void AgentCore::prepare(const AgentRequest& request) {
  const bool first = !record_.active || record_.operation != request.operation;
  // If an operation is active already, its earlier policy is the one to restore.
  if (!record_.active) record_.earlier = kernel_.policy();
  record_.active = true;
  record_.operation = request.operation;
  record_.sequence = request.sequence;
  record_.zone = request.online;
  record_.lease_end = now_ + std::chrono::seconds{request.lease_seconds};
  if (first) {
    blocks_.clear();  // so that `scan` reads all zones anew
    kernel_.scan(blocks_);
    record_.baseline.clear();
    std::ranges::transform(blocks_, std::back_inserter(record_.baseline), &Block::id);
    record_.baseline_known = true;
    process_.log("serving an operation; " + std::to_string(blocks_.size()) + " blocks present");
  }
  save();  // before the policy changes, so that it can be restored
  ballast_.lend();
  apply_policy();
  poll_interval_ = poll_fastest;
  next_poll_ = now_ + poll_interval_;
  look(true);
  publish(phase());
}

void AgentCore::apply_policy() {
  policy_error_.clear();
  if (!record_.earlier) {
    policy_error_ = "no memory hotplug here";
    return;
  }
  if (const int error = kernel_.set_policy(kernel_.policy_for(record_.zone))) {
    policy_error_ = failure("auto_online_blocks", error);
    process_.log(policy_error_);
  }
}

// If somebody in the guest has set another policy meanwhile, that policy stays.
void AgentCore::restore_policy() {
  if (!record_.earlier || kernel_.policy() != kernel_.policy_for(record_.zone)) return;
  if (const int error = kernel_.set_policy(*record_.earlier)) {
    process_.log(failure("auto_online_blocks cannot be restored", error));
  }
}

void AgentCore::end_operation() {
  if (record_.active) restore_policy();
  record_.active = false;
  record_.baseline.clear();
  dirty_ = false;
  unseen_ = false;
  policy_error_.clear();
  save();
  take_ballast();
}

void AgentCore::take_ballast() {
  AgentReport figures;
  kernel_.figures(figures);
  ballast_.take(figures.kernel_zone_free);
}

void AgentCore::save() {
  if (const int error = records_.save(record_)) {
    process_.log(failure("the earlier policy cannot be recorded", error));
  }
}

void AgentCore::memory_changed() {
  if (!record_.active) return;
  dirty_ = true;
  unseen_ = true;
  tick();
}

void AgentCore::tick() {
  if (!record_.active) return;
  now_ = process_.now();
  if (now_ >= record_.lease_end) {
    process_.log("no request for the whole lease: the operation is over");
    end_operation();
    return;
  }
  if (now_ >= next_poll_) {
    const bool was_moving = balloon_is_moving();
    const auto before = std::exchange(balloon_, kernel_.balloon());
    // A guest may come to need what it gives back, so dom0 gets a report at every step.
    if (was_moving != balloon_is_moving() || gives_back()) dirty_ = true;
    poll_interval_ = before == balloon_ ? std::min(poll_interval_ * 2, poll_slowest) : poll_fastest;
    next_poll_ = now_ + poll_interval_;
  }
  if (now_ >= next_report()) {
    look(false);
    publish(phase());
  } else if (unseen_ && now_ >= next_block_look_) {
    look_at_blocks();
  }
}

Time AgentCore::next_report() const {
  if (!dirty_) return last_report_ + heartbeat;
  return last_report_ + std::clamp(6 * report_cost_, fold, heartbeat);
}

std::optional<Time> AgentCore::next_wake() const {
  if (!record_.active) return std::nullopt;
  const Time wake = std::min({next_report(), next_poll_, record_.lease_end});
  return unseen_ ? std::min(wake, next_block_look_) : wake;
}

void AgentCore::stop() {
  if (record_.active) restore_policy();
}

/// Looks at what a report contains, and brings offline blocks online.
void AgentCore::look(bool all) {
  dirty_ = false;
  if (all || must_look_at_blocks()) look_at_blocks();
  balloon_ = kernel_.balloon();
  if (next_poll_ <= now_) next_poll_ = now_ + poll_interval_;
}

/// A uevent tells of each change. A look now and then also finds the change of which the uevent was
/// lost.
bool AgentCore::must_look_at_blocks() const {
  return unseen_ || !all_online() || now_ >= last_block_look_ + heartbeat;
}

void AgentCore::look_at_blocks() {
  unseen_ = false;
  last_block_look_ = now_;
  const Time begin = process_.cpu_time();
  kernel_.scan(blocks_);
  const Time cost = process_.cpu_time() - begin;
  spent_ += cost;
  // This may wait for the kernel, which brings blocks online at the same time. That is no reason to
  // look or to report less often.
  if (record_.active) online_blocks();
  next_block_look_ = process_.now() + std::min(4 * cost, heartbeat);
}

// Also brings blocks online that an earlier growth left, because the balloon waits for them.
void AgentCore::online_blocks() {
  const auto earlier_error = std::exchange(block_error_, {});
  bool any = false;
  for (const Block& block : blocks_) {
    if (block.online) continue;
    const int error = kernel_.online(block.id, record_.zone);
    if (error == 0) {
      any = true;
    } else if (block_error_.empty()) {
      block_error_ = failure("memory" + std::to_string(block.id), error);
    }
  }
  if (any) kernel_.scan(blocks_);
  // The kernel may have brought them online meanwhile.
  if (all_online()) block_error_.clear();
  if (!block_error_.empty() && block_error_ != earlier_error) process_.log(block_error_);
}

void AgentCore::publish(AgentPhase phase, const AgentRequest* asked) {
  const Time begin = process_.cpu_time();
  AgentReport report;
  report.operation = asked != nullptr ? asked->operation : record_.operation;
  report.request = asked != nullptr ? asked->sequence : record_.sequence;
  report.sequence = ++report_sequence_;
  report.phase = phase;
  auto earlier = record_.baseline.begin();  // both lists are sorted by number
  for (const Block& block : blocks_) {
    ++report.blocks_present;
    report.blocks_online += block.online;
    report.blocks_movable += block.movable;
    while (earlier != record_.baseline.end() && *earlier < block.id) ++earlier;
    const bool added = earlier == record_.baseline.end() || *earlier != block.id;
    if (record_.active && added) {
      ++report.blocks_added;
      report.blocks_added_offline += !block.online;
    }
  }
  kernel_.figures(report);
  // The ballast counts as free, because the agent lends it before memory is added.
  report.mem_available += ballast_.held();
  // Memory that a process locks is high memory if there is any, and that does not serve the kernel.
  (report.highmem_free ? *report.highmem_free : report.kernel_zone_free) += ballast_.held();
  report.balloon_target = balloon_.target;
  if (record_.active) report.error = policy_error_.empty() ? block_error_ : policy_error_;
  // An answer to another operation puts the own report off, so that it can be read. Further answers
  // do not put it off again.
  const bool foreign = record_.active && report.operation != record_.operation;
  if (!foreign || !answered_) last_report_ = now_;
  answered_ = foreign;
  outbox_.publish(report);
  report_cost_ = std::exchange(spent_, Time{}) + process_.cpu_time() - begin;
}

bool AgentCore::all_online() const { return std::ranges::all_of(blocks_, &Block::online); }

AgentPhase AgentCore::phase() const {
  if (!record_.active) return AgentPhase::idle;
  // With another policy the kernel may put added memory into the movable zone, which the balloon
  // can never give back.
  if (record_.earlier && !policy_error_.empty()) return AgentPhase::failed;
  return balloon_is_moving() || !all_online() ? AgentPhase::growing : AgentPhase::ready;
}

bool AgentCore::balloon_is_moving() const {
  if (!balloon_.target || !balloon_.current) return false;
  const Kib distance = *balloon_.target - *balloon_.current;
  return distance > balloon_slack || -distance > balloon_slack;
}

bool AgentCore::gives_back() const {
  return balloon_is_moving() && *balloon_.target < *balloon_.current;
}

}  // namespace memctl::agent
