// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "base/text.hpp"
#include "memctl/cause.hpp"
#include "memctl/domain_info.hpp"
#include "memctl/log.hpp"
#include "memctl/report.hpp"
#include "memctl/watch.hpp"

namespace memctl {

std::string_view name(DomainType type) {
  switch (type) {
    case DomainType::pv:
      return "pv";
    case DomainType::pvh:
      return "pvh";
    case DomainType::hvm:
      return "hvm";
  }
  return "unknown";
}

std::string state_of(const DomainStatus& status) {
  if (status.refused_by) {
    switch (*status.refused_by) {
      case Cause::busy:
        return "resizing";
      case Cause::domain_paused:
        return "paused";
      case Cause::domain_migrating:
        return "saving";
      case Cause::domain_gone:
        return "ending";
      case Cause::agent_absent:
        return "no-agent";
      case Cause::agent_incompatible:
        return "other-agent";
      default:
        return std::string{name(*status.refused_by)};
    }
  }
  if (status.size < status.target) return "growing";
  if (status.size > status.target) return "shrinking";
  return status.reported_starving ? "starving" : "fine";
}

std::string command_word(const DomainIdentity& domain) {
  const auto is_plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  };
  const std::string& name = domain.name;
  // Digits mean a number, and a word that begins with "-" an option.
  const bool plain = !name.empty() && name.front() != '-' && std::ranges::all_of(name, is_plain) &&
                     !is_number(name);
  return plain ? name : std::to_string(number(domain.id));
}

std::string_view name(Outcome outcome) {
  switch (outcome) {
    case Outcome::verified:
      return "verified";
    case Outcome::refused:
      return "refused";
    case Outcome::restored:
      return "restored";
    case Outcome::kept:
      return "kept";
    case Outcome::superseded:
      return "superseded";
    case Outcome::failed:
      return "failed";
    case Outcome::gone:
      return "gone";
  }
  return "unknown";
}

std::string_view name(Phase phase) {
  switch (phase) {
    case Phase::facts:
      return "facts";
    case Phase::reserve:
      return "reserve";
    case Phase::online:
      return "online";
    case Phase::populate:
      return "populate";
    case Phase::verify:
      return "verify";
    case Phase::restore:
      return "restore";
  }
  return "unknown";
}

std::string_view name(Change change) {
  switch (change) {
    case Change::appeared:
      return "appeared";
    case Change::changed:
      return "changed";
    case Change::ended:
      return "ended";
  }
  return "unknown";
}

std::string_view name(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
  }
  return "unknown";
}

std::string_view name(LineKind kind) {
  switch (kind) {
    case LineKind::other:
      return "other";
    case LineKind::resize_ended:
      return "resize_ended";
    case LineKind::recovery_ended:
      return "recovery_ended";
  }
  return "unknown";
}

}  // namespace memctl
