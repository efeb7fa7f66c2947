// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal_entry.hpp"

#include <string_view>
#include <utility>

#include "characters.hpp"

namespace memctl::cli {
namespace {

constexpr std::size_t longest_text = 1024;

/// The ids by which `journalctl MESSAGE_ID=` finds entries. They never change.
constexpr std::string_view resize_ended_id = "def8ed55558a4fce9c6819be0e77e761";
constexpr std::string_view recovery_ended_id = "f889840309ce4ecd8287a8cb31e46a54";

/// Syslog's numbers.
int priority_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return 7;
    case LogLevel::info:
      return 6;
    case LogLevel::warning:
      return 4;
  }
  return 6;
}

/// A text that somebody else may have written.
std::string bounded(std::string_view text) { return printable(text.substr(0, longest_text)); }

std::string asked_by(const Asker& asker) {
  return asker.login_uid ? "login uid " + std::to_string(*asker.login_uid)
                         : "uid " + std::to_string(asker.uid);
}

class Entry {
 public:
  void add(std::string_view name, std::string_view value) {
    fields_.push_back(std::string{name} + "=" + std::string{value});
  }
  void add(std::string_view name, std::int64_t value) { add(name, std::to_string(value)); }
  /// Adds a size that is known. An unknown size is zero.
  void add(std::string_view name, Kib size) {
    if (size != Kib{}) add(name, size.count());
  }
  [[nodiscard]] std::vector<std::string> fields() && { return std::move(fields_); }

 private:
  std::vector<std::string> fields_{};
};

}  // namespace

std::vector<std::string> journal_entry(const LogLine& line, const Asker& asker) {
  if (!line.report || !line.domain) return {};
  const Report& report = *line.report;
  const DomainIdentity& domain = *line.domain;
  const bool resize = line.kind == LineKind::resize_ended;
  Entry entry;
  entry.add("MESSAGE", bounded(line.message) + "; asked by " + asked_by(asker));
  entry.add("MESSAGE_ID", resize ? resize_ended_id : recovery_ended_id);
  entry.add("PRIORITY", priority_of(line.level));
  entry.add("SYSLOG_IDENTIFIER", "memctl");
  entry.add("MEMCTL_ENDED", resize ? "resize" : "recovery");
  entry.add("MEMCTL_DOMAIN", bounded(domain.name));
  entry.add("MEMCTL_DOMAIN_ID", number(domain.id));
  if (!domain.uuid.empty()) entry.add("MEMCTL_DOMAIN_UUID", bounded(domain.uuid));
  entry.add("MEMCTL_FROM_KIB", report.from);
  entry.add("MEMCTL_REQUESTED_KIB", report.requested);
  entry.add("MEMCTL_REACHED_KIB", report.reached);
  entry.add("MEMCTL_LIMIT_KIB", report.limit);
  entry.add("MEMCTL_OUTCOME", name(report.outcome));
  if (report.cause) entry.add("MEMCTL_CAUSE", name(*report.cause));
  entry.add("MEMCTL_ELAPSED_MS", report.elapsed.count());
  entry.add("MEMCTL_UID", asker.uid);
  if (asker.login_uid) entry.add("MEMCTL_LOGIN_UID", *asker.login_uid);
  if (!asker.claimed_sudo_user.empty()) {
    entry.add("MEMCTL_CLAIMED_SUDO_USER", bounded(asker.claimed_sudo_user));
  }
  return std::move(entry).fields();
}

}  // namespace memctl::cli
