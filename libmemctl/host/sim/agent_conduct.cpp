// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/agent_conduct.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "agent/core/mailbox.hpp"
#include "guest/message.hpp"

namespace memctl::host::sim {
namespace {

constexpr Duration flood_interval = std::chrono::microseconds{200};
/// 980 reports in a second: at more than 1000 changes the watch ends (SimStore).
constexpr Duration chatter_interval = std::chrono::microseconds{1020};
constexpr Duration chatter_time = std::chrono::minutes{1};
constexpr std::int64_t swaying_blocks = 1024;

/// MemTotal of a guest whose kernel keeps 1 MiB free, and which keeps 24 MiB more while it shrinks
/// (plan/step.cpp).
constexpr Kib dripping_total = 64_MiB;
constexpr Kib kept_while_shrinking = 25_MiB;
constexpr Kib owed_by_balloon = 64_MiB;

/// In every second report, the blocks that were added are offline.
void sway(AgentReport& report) {
  report.blocks_added = swaying_blocks;
  report.blocks_present = report.blocks_online + swaying_blocks;
  report.blocks_added_offline = report.sequence % 2 == 0 ? swaying_blocks : 0;
}

}  // namespace

ConductedStore::ConductedStore(GuestTime& time, StoreModel& store, const AgentConduct& conduct,
                               Duration report_latency, std::uint64_t seed)
    : time_{time},
      store_{store},
      conduct_{conduct},
      report_latency_{report_latency},
      random_{seed},
      again_{time},
      late_due_{time} {}

void ConductedStore::move_to(DomainId domain) {
  domain_ = domain;
  home_ = "/local/domain/" + std::to_string(number(domain)) + "/";
  hello_.clear();
  forget_late_reports();
}

bool ConductedStore::is_hostile() const {
  return conduct_ != AgentConduct::normal && conduct_ != AgentConduct::absent &&
         conduct_ != AgentConduct::killed;
}

std::optional<std::string> ConductedStore::read(const char* path, int& error) {
  const auto value = store_.read(domain_, path_of(path));
  error = value ? 0 : EACCES;
  if (!value || !is_hostile()) return value ? value.value() : std::nullopt;
  // Show the honest agent its own hello, or it would write the hello that its conduct has removed
  // or replaced.
  if (std::string_view{path} == agent::hello_path && !hello_.empty()) return hello_;
  if (std::string_view{path} == agent::request_path && value.value()) {
    if (auto request = guest::decode_request(*value.value())) {
      note_request(*request);
      request->kind = RequestKind::observe;
      return guest::encode(*request);
    }
  }
  return value.value();
}

int ConductedStore::write(const char* path, std::string_view value) {
  if (std::string_view{path} == agent::hello_path) {
    hello_ = value;
    return put(path, conduct_ == AgentConduct::garbage ? garbage() : value);
  }
  if (!is_hostile() && !distort_) return put(path, value);
  auto report = guest::decode_report(value);
  if (!report) return put(path, value);  // dom0 cannot decode it either
  if (distort_) distort_(*report);
  return is_hostile() ? put_hostile(std::move(*report)) : put(path, guest::encode(*report));
}

void ConductedStore::remove(const char* path) {
  forget_late_reports();
  static_cast<void>(store_.remove(domain_, path_of(path)));
}

int ConductedStore::put(const char* path, std::string_view value) {
  if (std::string_view{path} == agent::report_path) return put_report(std::string{value});
  return store_.write(domain_, path_of(path), value) ? 0 : EACCES;
}

int ConductedStore::put_report(std::string value) {
  ++reports_written_;
  if (report_latency_ == Duration{}) {
    return store_.write(domain_, path_of(agent::report_path), value) ? 0 : EACCES;
  }
  late_.push_back({time_.clock().now() + report_latency_, std::move(value)});
  if (!late_due_.pending()) late_due_.set(report_latency_, [this] { put_late_reports(); });
  return 0;
}

void ConductedStore::put_late_reports() {
  const TimePoint now = time_.clock().now();
  for (; !late_.empty() && late_.front().due <= now; late_.pop_front()) {
    static_cast<void>(store_.write(domain_, path_of(agent::report_path), late_.front().report));
  }
  if (!late_.empty()) late_due_.set(late_.front().due - now, [this] { put_late_reports(); });
}

void ConductedStore::forget_late_reports() {
  late_.clear();
  late_due_.cancel();
}

int ConductedStore::put_hostile(AgentReport report) {
  report.phase = AgentPhase::ready;
  switch (conduct_) {
    case AgentConduct::garbage:
      return put(agent::report_path, garbage());
    case AgentConduct::huge:
      report.blocks_online = std::numeric_limits<std::int64_t>::max();
      report.mem_total = Kib{std::numeric_limits<std::int64_t>::max()};
      report.kernel_zone_free = Kib{std::numeric_limits<std::int64_t>::max()};
      break;
    case AgentConduct::lying:
      lie(report);
      break;
    case AgentConduct::stale:
      report.sequence = 1;
      --report.request;
      break;
    case AgentConduct::flooding:
      repeat(report);
      break;
    case AgentConduct::chattering:
      report.sequence = sequence_ = std::max(report.sequence, sequence_ + 1);
      repeat(report);
      break;
    case AgentConduct::dripping:
    case AgentConduct::owing:
      if (report.operation == begun_) drip(report);
      break;
    case AgentConduct::deleting:
      remove(agent::hello_path);
      remove(agent::report_path);
      return 0;
    case AgentConduct::fleeting:
      remove(agent::hello_path);
      break;
    case AgentConduct::normal:
    case AgentConduct::absent:
    case AgentConduct::killed:
      break;
  }
  return put(agent::report_path, guest::encode(report));
}

void ConductedStore::note_request(const AgentRequest& request) {
  request_ = request;
  asked_at_ = time_.clock().now();
  if (request.target > Kib{}) goal_ = request.target;
  if (request.kind == RequestKind::prepare) begun_ = request.operation;
}

void ConductedStore::repeat(AgentReport report) {
  const bool floods = conduct_ == AgentConduct::flooding;
  ++report.sequence;
  again_.set(floods ? flood_interval : chatter_interval, [this, report, floods]() mutable {
    if (conduct_ != (floods ? AgentConduct::flooding : AgentConduct::chattering)) return;
    if (!floods) {
      const bool over = request_.kind == RequestKind::release;
      if (over || time_.clock().now() - asked_at_ > chatter_time) return;
      sway(report);
      sequence_ = report.sequence;
    }
    put(agent::report_path, guest::encode(report));
    repeat(report);
  });
}

void ConductedStore::drip(AgentReport& report) const {
  const bool shrinks = report.balloon_current && goal_ < *report.balloon_current;
  report.mem_total = dripping_total;
  report.kernel_zone_free = shrinks ? kept_while_shrinking + kib_per_page : Kib{};
  report.kernel_zone_reclaimable = Kib{};
  report.balloon_inflated = kib_per_page;
  report.balloon_target = report.balloon_current;
  if (conduct_ == AgentConduct::owing && report.balloon_current) {
    report.balloon_current = *report.balloon_current + owed_by_balloon;
  }
}

void ConductedStore::lie(AgentReport& report) const {
  if (request_.kind == RequestKind::release) report.phase = AgentPhase::released;
  report.mem_total = std::max(report.mem_total, request_.target);
  report.mem_available = report.mem_total;
  report.kernel_zone_free = report.mem_total;
  report.balloon_current = report.mem_total;
  report.blocks_added_offline = 0;
}

std::string ConductedStore::garbage() {
  std::string bytes(random_() % 1900, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random_());
  return bytes;
}

}  // namespace memctl::host::sim
