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

}  // namespace

ConductedStore::ConductedStore(GuestTime& time, StoreModel& store, const AgentConduct& conduct,
                               std::uint64_t seed)
    : store_{store}, conduct_{conduct}, random_{seed}, flood_{time} {}

void ConductedStore::move_to(DomainId domain) {
  domain_ = domain;
  home_ = "/local/domain/" + std::to_string(number(domain)) + "/";
  hello_.clear();
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
      request_ = *request;
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
  static_cast<void>(store_.remove(domain_, path_of(path)));
}

int ConductedStore::put(const char* path, std::string_view value) {
  if (std::string_view{path} == agent::report_path) ++reports_written_;
  return store_.write(domain_, path_of(path), value) ? 0 : EACCES;
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
      flood(report);
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

void ConductedStore::flood(AgentReport report) {
  ++report.sequence;
  flood_.set(flood_interval, [this, report] {
    if (conduct_ != AgentConduct::flooding) return;
    put(agent::report_path, guest::encode(report));
    flood(report);
  });
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
