// SPDX-License-Identifier: LGPL-2.1-or-later
#include "text.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>

#include "characters.hpp"
#include "memctl/size.hpp"
#include "show_size.hpp"
#include "table.hpp"

namespace memctl::cli {
namespace {

std::string tenths(std::int64_t tenths_of_it) {
  return std::to_string(tenths_of_it / 10) + "." + std::to_string(tenths_of_it % 10);
}

std::string title(const std::optional<DomainIdentity>& domain) {
  return domain ? printable(domain->name) + ": " : std::string{};
}

/// Whole MiB, rounded so that the shown size lies in the range.
std::string at_least_mib(Kib size) { return show_size(size, SizeUnit::mib, Rounding::up); }
std::string at_most_mib(Kib size) { return show_size(size, SizeUnit::mib, Rounding::down); }

/// "93 MiB to 62389 MiB"
std::string range_text(const SizeRange& range) {
  std::string text =
      at_least_mib(range.smallest.size) + " MiB to " + at_most_mib(range.largest.size) + " MiB";
  if (range.step == kib_per_page || range.largest.size <= range.step_from) return text;
  return text + ", above " + to_string(range.step_from) + " in steps of " + to_string(range.step);
}

/// "node 1", "nodes 0, 2 and 3"
std::string nodes_text(const std::vector<int>& nodes) {
  std::string text = nodes.size() == 1 ? "node " : "nodes ";
  for (std::size_t each = 0; each < nodes.size(); ++each) {
    if (each > 0) text += each + 1 == nodes.size() ? " and " : ", ";
    text += std::to_string(nodes[each]);
  }
  return text;
}

/// "all of it", or "512 MiB of 864 MiB". Rounded so that nothing less than all looks like all.
std::string part_text(Kib part, Kib all) {
  if (part >= all) return "all of it";
  return at_most_mib(part) + " MiB of " + at_least_mib(all) + " MiB";
}

/// Nothing is said of a plan that does not grow. A domain may have more or less than its last
/// target, so what the plan takes counts.
std::string forecast_text(const Plan& plan) {
  const auto& forecast = plan.numa_forecast;
  Kib growth;
  for (const Stage& stage : plan.stages) growth += stage.host_memory;
  if (!forecast || growth <= Kib{}) return {};
  const bool known = !forecast->nodes.empty() && forecast->local;
  if (!known) return "  numa: it is not known which nodes the memory would come from\n";
  return "  numa: " + part_text(*forecast->local, growth) + " would come from its own " +
         nodes_text(forecast->nodes) + " (a forecast)\n";
}

/// The domain's state after a resize that failed.
std::string aftermath(const Report& report) {
  const std::string now = to_string(report.reached) + ", limit " + to_string(report.limit);
  switch (report.outcome) {
    case Outcome::verified:
    case Outcome::refused:
    case Outcome::gone:
      return {};
    case Outcome::restored:
      return "  restored: " + now + "\n";
    case Outcome::kept:
      return "  kept: " + now + "\n";
    case Outcome::superseded:
      return "  left to the other tool: " + now + "\n";
    case Outcome::failed:
      return "  left: " + now + " (it was " + to_string(report.from) + ")\n";
  }
  return {};
}

}  // namespace

std::string show_duration(std::chrono::milliseconds time) {
  const std::int64_t ms = time.count();
  if (ms < 1000) return std::to_string(ms) + " ms";
  if (ms < 60'000) return tenths(ms / 100) + " s";
  const std::int64_t seconds = ms / 1000;
  const std::string rest = std::to_string(seconds % 60);
  return std::to_string(seconds / 60) + " min " + (rest.size() < 2 ? "0" : "") + rest + " s";
}

std::string residue_text(const Report& report) {
  if (report.residual == Kib{} || report.outcome == Outcome::gone) return {};
  return "  " + printable(report.domain.name) + " keeps " + to_string(report.residual) +
         " of bookkeeping for the added blocks until it reboots\n";
}

std::string numa_text(const Report& report) {
  const auto& estimate = report.numa_estimate;
  if (!estimate || !estimate->local || estimate->nodes.empty()) return {};
  return "  numa: " + at_most_mib(*estimate->local) + " MiB came from its own " +
         nodes_text(estimate->nodes) + " (an estimate)\n";
}

std::string success_text(const Report& report) {
  std::string text = title(report.domain);
  if (report.from == report.reached && report.stages == 0) {
    text += "is at " + to_string(report.reached) + " already";
  } else {
    text += to_string(report.from) + " -> " + to_string(report.reached) + " in " +
            show_duration(report.elapsed);
  }
  text += "; verified: Xen " + to_string(report.reached);
  if (report.verified.blocks && report.reached > report.from) text += ", all blocks online";
  if (report.verified.guest_total && report.guest_total) {
    text += ", guest MemTotal " + at_most_mib(*report.guest_total) + " MiB";
  }
  if (!report.verified.blocks && !report.verified.guest_total) text += "; the guest was not asked";
  return text + "\n" + numa_text(report) + residue_text(report);
}

std::string error_text(const Error& error, bool verbose) {
  std::string text = "memctl: " + printable(error.message) + " (" + std::string{name(error.cause)};
  text += ")\n";
  if (error.range) text += "  possible now: " + range_text(*error.range) + "\n";
  const std::string_view advice = error.advice();
  if (!advice.empty()) text += "  hint: " + printable(advice) + "\n";
  if (verbose) {
    if (error.raw) text += "  raw code: " + std::to_string(*error.raw) + "\n";
    for (const std::string& line : error.log) text += "  log: " + printable(line) + "\n";
  }
  return text;
}

std::string failure_text(const Ending& ending, bool verbose) {
  if (!ending.error) return {};
  std::string text = error_text(*ending.error, verbose);
  if (ending.report) text += aftermath(*ending.report) + residue_text(*ending.report);
  return text;
}

std::string recovery_text(const Recovery& recovery, const DomainIdentity& domain) {
  std::string text = title(domain);
  if (!recovery.report) {
    if (recovery.unknown_claim == Kib{}) return text + "nothing was left behind\n";
    return text + to_string(recovery.unknown_claim) +
           " are claimed for it by no operation of memctl's, and are left alone\n"
           "  hint: memctl doctor tells more\n";
  }
  const Report& report = *recovery.report;
  const std::string now = to_string(report.reached) + ", limit " + to_string(report.limit);
  const std::string resize = "an unfinished resize to " + to_string(report.requested);
  if (report.outcome == Outcome::restored) {
    return text + "restored after " + resize + ": " + now + "\n";
  }
  if (!report.cause) return text + resize + " is kept, as it had asked: " + now + "\n";
  text += "restored in part after " + resize + ": " + now + "\n  " + printable(report.message) +
          " (" + std::string{name(*report.cause)} + ")\n";
  if (!report.hint.empty()) text += "  hint: " + printable(report.hint) + "\n";
  return text;
}

std::string plan_text(const Plan& plan) {
  std::string text = title(plan.domain);
  if (plan.stages.empty()) {
    text += "is at " + to_string(plan.to) + " already; nothing to do\n";
  } else {
    text += to_string(plan.from) + " -> " + to_string(plan.to) + ", limit " +
            to_string(plan.earlier_limit) + " -> " + to_string(plan.limit) + "\n";
    Table table{{"STAGE", "SIZE", "BLOCKS", "MEMMAP", "HOST MEMORY"}, Table::Align::right};
    int number = 0;
    for (const Stage& stage : plan.stages) {
      table.add({std::to_string(++number), to_string(stage.size), std::to_string(stage.blocks),
                 to_string(stage.memmap), to_string(stage.host_memory)});
    }
    text += table.text("  ");
  }
  if (plan.pool) {
    text += "  paging pool: " + to_string(*plan.pool);
    if (plan.pool_growth != Kib{}) {
      text += ", " + to_string(plan.pool_growth) + " more of the host's memory";
    }
    text += "\n";
  }
  if (plan.stored_pool) {
    text += "  stored paging pool: " + to_string(*plan.stored_pool) +
            ", for the next restore or reboot\n";
  }
  text += "  host: " + at_most_mib(plan.host_free) + " MiB free, " + to_string(plan.host_reserve) +
          " of it left free\n";
  text += forecast_text(plan);
  text += "  possible now: " + range_text(plan.range) + "\n";
  if (!plan.no_way_back.empty()) text += "  " + printable(plan.no_way_back) + "\n";
  return text;
}

}  // namespace memctl::cli
