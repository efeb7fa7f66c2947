// SPDX-License-Identifier: LGPL-2.1-or-later
#include "doctor_text.hpp"

#include <algorithm>

#include "characters.hpp"

namespace memctl::cli {
namespace {

std::string_view mark(Severity severity) {
  switch (severity) {
    case Severity::good:
      return "ok";
    case Severity::note:
      return "note";
    case Severity::bad:
      return "BAD";
    case Severity::unknown:
      return "?";
  }
  return "?";
}

std::string padded(std::string_view text, std::size_t width) {
  std::string result{text};
  result.resize(std::max(result.size(), width), ' ');
  return result;
}

std::string heading(Subject subject, const std::optional<DomainIdentity>& domain) {
  if (!domain) return "host\n";
  const std::string name = printable(domain->name);
  if (subject == Subject::guest) return name + ", in the guest\n";
  return name + " (" + std::string{memctl::name(domain->type)} + ", domain " +
         std::to_string(number(domain->id)) + ")\n";
}

std::string counted(int count, const std::string& one, const std::string& more) {
  return std::to_string(count) + " " + (count == 1 ? one : more);
}

constexpr std::size_t mark_width = 4;

std::string lines_of(const Finding& finding) {
  // As wide as the longest name, so that the host's and the domains' lines align.
  const std::size_t name_width = name(Check::stored_configuration).size();
  std::string text = "  " + padded(mark(finding.severity), mark_width) + "  " +
                     padded(name(finding.check), name_width) + "  " + printable(finding.message) +
                     "\n";
  if (!finding.remedy.empty()) {
    text += std::string(mark_width + 4, ' ') + "mend: " + printable(finding.remedy) + "\n";
  }
  return text;
}

bool is_agent_silent(const std::vector<Finding>& findings) {
  return std::ranges::any_of(findings, [](const Finding& finding) {
    return finding.check == Check::agent && finding.severity != Severity::good;
  });
}

/// For findings about a guest whose agent is silent.
bool needs_agent(const Finding& finding) {
  return finding.check != Check::agent && subject(finding.check) == Subject::guest &&
         finding.severity == Severity::unknown;
}

}  // namespace

void FindingCount::add(const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    bad += finding.severity == Severity::bad;
    note += finding.severity == Severity::note;
    unknown += finding.severity == Severity::unknown;
    good += finding.severity == Severity::good;
  }
}

std::string doctor_text(const std::vector<Finding>& findings,
                        const std::optional<DomainIdentity>& domain, bool verbose) {
  const bool together = !verbose && is_agent_silent(findings);
  std::string text;
  std::optional<Subject> current;
  int untold = 0;
  for (const Finding& finding : findings) {
    if (!verbose && finding.severity == Severity::good) continue;
    if (current != subject(finding.check)) text += heading(subject(finding.check), domain);
    current = subject(finding.check);
    if (together && needs_agent(finding)) {
      ++untold;
    } else {
      text += lines_of(finding);
    }
  }
  if (untold == 0) return text;
  return text + "  " + padded(mark(Severity::unknown), mark_width) + "  " +
         counted(untold, "check needs", "checks need") + " the agent\n";
}

std::string summary_text(const FindingCount& count) {
  std::vector<std::string> parts;
  if (count.bad > 0) parts.push_back(std::to_string(count.bad) + " bad");
  if (count.note > 0) parts.push_back(counted(count.note, "note", "notes"));
  if (count.unknown > 0) parts.push_back(std::to_string(count.unknown) + " not known");
  if (parts.empty()) return "all good\n";
  if (count.good > 0) parts.push_back(std::to_string(count.good) + " good");
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text + "\n";
}

}  // namespace memctl::cli
