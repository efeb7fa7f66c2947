// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stopped_text.hpp"

#include <chrono>

#include "characters.hpp"
#include "memctl/size.hpp"
#include "text.hpp"

namespace memctl::cli {
namespace {

constexpr std::string_view why_kept = ", since the way back was not safe or took too long";

bool keeps(const ResizeOptions& options) { return options.on_failure == OnFailure::keep; }

/// "at 1102 of 3072 MiB". The size is rounded down, so that a growing guest never seems to have
/// reached its goal before it has.
std::string at(Kib size, Kib goal) {
  if (goal <= size) return "at " + to_string(size) + ", on the way to " + to_string(goal);
  return "at " + std::to_string(size / 1_MiB) + " of " + to_string(goal);
}

std::string still(const Report& report) {
  // Zero means that the domain was not looked at yet.
  return report.reached == Kib{} ? "unchanged" : "still at " + to_string(report.reached);
}

std::string interrupted(const Report& report, const ResizeOptions& options) {
  switch (report.outcome) {
    case Outcome::refused:
      return "is " + still(report);
    case Outcome::restored:
      return "is back at " + to_string(report.reached);
    case Outcome::kept:
      return "is " + at(report.reached, report.requested) +
             (keeps(options) ? "; kept there (--on-failure keep)" : std::string{why_kept});
    default:
      return {};
  }
}

std::string timed_out(const Ending& ending, const ResizeOptions& options) {
  const Report& report = *ending.report;
  const auto stopped = [&](Kib size) { return " " + at(size, report.requested) + "; "; };
  const std::string before = ending.stopped_at ? stopped(*ending.stopped_at) : "; ";
  switch (report.outcome) {
    case Outcome::refused:
      return before + still(report);
    case Outcome::restored:
      return before + "back at " + to_string(report.reached);
    case Outcome::kept:
      if (keeps(options)) return stopped(report.reached) + "kept there (--on-failure keep)";
      return before + "now at " + to_string(report.reached) + std::string{why_kept};
    default:
      return {};
  }
}

/// Whole seconds without decimals, as the caller wrote them.
std::string show_timeout(std::chrono::milliseconds timeout) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  return seconds == timeout ? std::to_string(seconds.count()) + " s" : show_duration(timeout);
}

}  // namespace

std::string cancelling_text(std::string_view domain, std::optional<Kib> back_to) {
  return "cancelling" + (back_to ? ": back to " + to_string(*back_to) : std::string{}) +
         " (Ctrl-C again stops now and leaves " + printable(domain) + " half-way)";
}

std::string cancelling_all_text() {
  return "cancelling all that have not ended (Ctrl-C again stops now and leaves them half-way)\n";
}

std::optional<std::string> stopped_text(const Ending& ending, const ResizeOptions& options) {
  if (!ending.report || !ending.domain) return std::nullopt;
  const std::string name = printable(ending.domain->name);
  if (ending.cause() == Cause::cancelled) {
    const std::string now = interrupted(*ending.report, options);
    if (now.empty()) return std::nullopt;
    return "memctl: interrupted; " + name + " " + now + "\n" + residue_text(*ending.report);
  }
  if (ending.cause() == Cause::deadline && options.timeout) {
    const std::string now = timed_out(ending, options);
    if (now.empty()) return std::nullopt;
    return "memctl: " + name + ": timed out after " + show_timeout(*options.timeout) + now +
           "\n  hint: " + printable(ending.error->advice()) + "\n" + residue_text(*ending.report);
  }
  return std::nullopt;
}

}  // namespace memctl::cli
