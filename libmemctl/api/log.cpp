// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/log.hpp"

#include <memory>
#include <optional>

namespace memctl {
namespace {

std::string from_to(Kib from, Kib to) { return to_string(from) + " -> " + to_string(to); }

}  // namespace

void Log::begins(const DomainIdentity& domain, const SizeRequest& size) const {
  const bool by = size.kind == SizeRequest::Kind::relative;
  write(LogLevel::info, domain,
        domain.name + ": a resize begins, " + (by ? "by " : "to ") + to_string(size.amount));
}

void Log::ended(const DomainIdentity& domain, const Result<Report>& result) const {
  if (!result) return failed(domain, result.error());
  const Report& report = result.value();
  write(LogLevel::info, domain,
        domain.name + ": " + from_to(report.from, report.reached) + " in " +
            std::to_string(report.elapsed.count()) + " ms (" + std::string{name(report.outcome)} +
            ")");
}

void Log::recovered(const DomainIdentity& domain, const Result<Recovery>& result) const {
  if (!result) return failed(domain, result.error());
  const auto& report = result.value().report;
  if (!report) return;
  write(report->cause ? LogLevel::warning : LogLevel::info, domain,
        domain.name + ": what a dead resize left is " + std::string{name(report->outcome)} +
            (report->message.empty() ? "" : "; " + report->message));
}

void Log::threw(const std::string& what) const {
  tell({.level = LogLevel::warning, .message = "a callback threw: " + what});
}

std::function<void(const Event&)> Log::following(const DomainIdentity& domain,
                                                 std::function<void(const Event&)> on_event) const {
  if (!tell_) return on_event;
  struct Last {
    Phase phase;
    int stage;
    bool operator==(const Last&) const = default;
  };
  return [this, domain, on_event = std::move(on_event),
          last = std::optional<Last>{}](const Event& event) mutable {
    const Last now{event.phase, event.stage};
    if (last != now) {
      last = now;
      const std::string stage =
          event.stage > 0 ? ", stage " + std::to_string(event.stage) : std::string{};
      const std::string way =
          event.from == event.to ? std::string{} : ", " + from_to(event.from, event.to);
      write(LogLevel::debug, domain,
            domain.name + ": " + std::string{name(event.phase)} + stage + way);
    }
    if (on_event) on_event(event);
  };
}

void Log::failed(const DomainIdentity& domain, const Error& error) const {
  for (const std::string& line : error.log) {
    write(LogLevel::debug, domain, domain.name + ": libxl: " + line);
  }
  // Nothing was touched unless a report says more.
  const Outcome outcome = error.report ? error.report->outcome : Outcome::refused;
  write(outcome == Outcome::refused ? LogLevel::info : LogLevel::warning, domain,
        error.message + " (" + std::string{name(outcome)} + ": " + std::string{name(error.cause)} +
            ")");
}

void Log::write(LogLevel level, const DomainIdentity& domain, std::string message) const {
  tell({.level = level, .domain = domain, .message = std::move(message)});
}

void Log::tell(const LogLine& line) const {
  if (!tell_) return;
  try {
    tell_(line);
  } catch (...) {  // NOLINT(bugprone-empty-catch): the log's own failure has no other log
  }
}

}  // namespace memctl
