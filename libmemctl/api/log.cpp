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

void Log::ended(const DomainIdentity& domain, const SizeRequest& size,
                const Result<Report>& result) const {
  if (!result) {
    const bool absolute = size.kind == SizeRequest::Kind::absolute;
    return failed(LineKind::resize_ended, result.error(),
                  {.domain = domain, .requested = absolute ? size.amount : Kib{}});
  }
  const Report& report = result.value();
  tell({.level = LogLevel::info,
        .kind = LineKind::resize_ended,
        .domain = domain,
        .message = domain.name + ": " + from_to(report.from, report.reached) + " in " +
                   std::to_string(report.elapsed.count()) + " ms (" +
                   std::string{name(report.outcome)} + ")",
        .report = report});
}

void Log::recovered(const DomainIdentity& domain, const Result<Recovery>& result) const {
  if (!result) {
    const Error& error = result.error();
    // Its resize lives, or it ended before it was asked: there was nothing to recover.
    if (error.cause == Cause::busy || error.cause == Cause::no_such_domain) {
      return write(LogLevel::debug, domain, error.message);
    }
    return failed(LineKind::recovery_ended, error, {.domain = domain});
  }
  const auto& report = result.value().report;
  if (!report) return;
  tell({.level = report->cause ? LogLevel::warning : LogLevel::info,
        .kind = LineKind::recovery_ended,
        .domain = domain,
        .message = domain.name + ": what a dead resize left is " +
                   std::string{name(report->outcome)} +
                   (report->message.empty() ? "" : "; " + report->message),
        .report = report});
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

void Log::failed(LineKind kind, const Error& error, Report known) const {
  const DomainIdentity domain = known.domain;
  for (const std::string& line : error.log) {
    write(LogLevel::debug, domain, domain.name + ": libxl: " + line);
  }
  // Nothing was touched unless a report says more.
  known.outcome = Outcome::refused;
  known.cause = error.cause;
  known.message = error.message;
  known.hint = std::string{error.advice()};
  const Report& report = error.report ? *error.report : known;
  tell({.level = report.outcome == Outcome::refused ? LogLevel::info : LogLevel::warning,
        .kind = kind,
        .domain = domain,
        .message = error.message + " (" + std::string{name(report.outcome)} + ": " +
                   std::string{name(error.cause)} + ")",
        .report = report});
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
