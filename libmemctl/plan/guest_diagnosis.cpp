// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The guest, as far as its agent tells of it. All of it is the guest's claim, so nothing of it
// stands in a command but what is harmless to a shell.
#include <algorithm>
#include <string_view>

#include "memctl/size.hpp"
#include "plan/diagnosis.hpp"
#include "plan/guest_kernel.hpp"

namespace memctl::plan {
namespace {

constexpr auto set_policy = "echo online_kernel > /sys/devices/system/memory/auto_online_blocks";

/// For what the agent reads once, when it starts: without a new start it would go on telling of
/// what has been mended.
std::string and_look_again(const std::string& command) {
  return "in the guest: " + command + " && systemctl restart memctl-agent";
}

Finding agent(const DomainExam& exam) {
  if (exam.facts.guest) return {Check::agent, Severity::good, "it answers", {}};
  const DomainMemory& memory = exam.facts.domain.memory;
  if (memory.paused || memory.dying || memory.shutdown != ShutdownReason::none) {
    return {Check::agent, Severity::unknown, "the guest does not run, so it cannot answer", {}};
  }
  const bool incompatible =
      exam.agent_error && exam.agent_error->cause == Cause::agent_incompatible;
  if (incompatible) {
    return {Check::agent, Severity::bad, "it is there, and speaks no protocol in common",
            "in the guest: install the memctl-agent of this version of memctl"};
  }
  return {Check::agent, Severity::bad,
          exam.agent_error ? exam.agent_error->message
                           : "no memctl-agent has announced itself in the guest",
          exam.hello ? "in the guest: systemctl restart memctl-agent"
                     : "in the guest: systemctl enable --now memctl-agent"};
}

/// A version without what a packager or a simulator put behind it.
std::string_view release_of(std::string_view version) {
  return version.substr(0, version.find_first_of("-+~"));
}

Finding agent_version(const DomainExam& exam) {
  const auto finding = [](Severity severity, std::string message, std::string remedy = {}) {
    return Finding{Check::agent_version, severity, std::move(message), std::move(remedy)};
  };
  if (!exam.hello) return finding(Severity::unknown, "no agent tells");
  const std::string& version = exam.hello->agent_version;
  const std::string known = version.empty() ? "it has no version" : version;
  const auto upgrade = "in the guest: install the memctl-agent of version " + exam.library_version;
  if (exam.agent_error && exam.agent_error->cause == Cause::agent_incompatible) {
    return finding(Severity::bad, exam.agent_error->message, upgrade);
  }
  if (release_of(version) == release_of(exam.library_version)) {
    return finding(Severity::good, known);
  }
  return finding(Severity::note, known + ", and this is memctl " + exam.library_version, upgrade);
}

Finding hotplug(const GuestFacts& guest) {
  const AgentHello& hello = guest.hello;
  if (hello.hotplug) {
    return {Check::hotplug, Severity::good, "in blocks of " + to_string(hello.block_size), {}};
  }
  const std::string& why = hello.no_hotplug_reason;
  return {Check::hotplug, Severity::bad,
          "the guest's kernel cannot add memory" + (why.empty() ? "" : ": " + why),
          "in the guest: boot a kernel with CONFIG_XEN_BALLOON_MEMORY_HOTPLUG"};
}

Finding kernel(const DomainExam& exam, const GuestFacts& guest) {
  const AgentHello& hello = guest.hello;
  const auto finding = [](Severity severity, std::string message) {
    const bool mend = severity == Severity::bad || severity == Severity::note;
    return Finding{Check::kernel, severity, std::move(message),
                   mend ? "in the guest: install a newer kernel, and reboot" : ""};
  };
  const auto version = parse_kernel_version(hello.kernel_release, hello.kernel_build);
  if (!version) {
    return finding(Severity::unknown,
                   "its version cannot be read, so it is taken for one that loses the first memory "
                   "past 4 GiB: \"" +
                       hello.kernel_release + "\"");
  }
  const KernelFaults faults = kernel_faults(hello);
  if (faults.balloon_spins) {
    return finding(Severity::bad, hello.kernel_release +
                                      " spins for ever in its balloon driver once a request "
                                      "fails: growth is refused");
  }
  if (!faults.first_memory_of_a_zone_is_lost) return finding(Severity::good, hello.kernel_release);
  const DomainFacts& domain = exam.facts.domain;
  const Kib booted = std::min(domain.boot_limit.value_or(Kib{}), present_size(domain));
  if (booted > 4_GiB) {
    return finding(Severity::note,
                   hello.kernel_release + " cannot use the first memory of a movable zone");
  }
  return finding(Severity::bad, hello.kernel_release +
                                    " cannot use the first memory past 4 GiB, nor that of a "
                                    "movable zone: growth past 3 GiB is refused");
}

Finding online_policy(const GuestFacts& guest) {
  const std::string& policy = guest.hello.online_policy;
  if (policy.empty()) {
    return {Check::online_policy, Severity::unknown, "the guest's kernel tells none", {}};
  }
  if (policy == "online_movable" || policy == "online") {
    return {Check::online_policy, Severity::note,
            policy +
                ": without memctl, added memory may land where ballooning cannot take it "
                "back; the agent sets another one while memctl adds memory",
            and_look_again(set_policy)};
  }
  if (policy == "offline") {
    return {Check::online_policy,
            Severity::good,
            "offline: memory that is added without memctl stays unused",
            {}};
  }
  return {Check::online_policy, Severity::good, policy, {}};
}

bool is_harmless_path(std::string_view path) {
  return std::ranges::all_of(path, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.' || c == '/';
  });
}

/// udev takes a link to /dev/null in /etc for the rules of that name.
std::string switch_off(const std::string& rule) {
  if (!is_harmless_path(rule)) return "in the guest: remove that file";
  constexpr std::string_view own = "/etc/udev/rules.d/";
  if (rule.starts_with(own)) return and_look_again("rm " + rule);
  return and_look_again("ln -s /dev/null " + std::string{own} + rule.substr(rule.rfind('/') + 1));
}

Finding udev_rule(const GuestFacts& guest) {
  const auto& rule = guest.hello.udev_rule;
  if (!rule) {
    return {Check::udev_rule, Severity::unknown, "this agent does not look at udev's rules", {}};
  }
  if (rule->empty()) return {Check::udev_rule, Severity::good, "none sets a block's state", {}};
  switch (guest.hello.udev_rule_action) {
    case RuleAction::online_kernel:
    case RuleAction::online:
      return {Check::udev_rule, Severity::note,
              *rule +
                  " brings added blocks online by itself: harmless beside the agent, which is "
                  "faster, and not needed",
              switch_off(*rule)};
    case RuleAction::other:
      return {Check::udev_rule, Severity::note,
              *rule +
                  " brings added blocks online by itself, perhaps as movable ones, which "
                  "ballooning cannot take back",
              switch_off(*rule)};
    case RuleAction::online_movable:
      break;
  }
  return {Check::udev_rule, Severity::bad,
          *rule +
              " makes added blocks movable: ballooning cannot take them back, and the kernel's "
              "own needs cannot be met from them",
          switch_off(*rule)};
}

Finding memory_blocks(const GuestFacts& guest) {
  const AgentReport& report = guest.report;
  const std::string of = " of " + std::to_string(report.blocks_present) + " blocks ";
  const std::int64_t offline = report.blocks_present - report.blocks_online;
  std::string message;
  if (offline > 0) {
    message = std::to_string(offline) + of +
              "are offline: their memory is unused until memctl grows the guest";
  }
  if (report.blocks_movable > 0) {
    message += (message.empty() ? "" : "; ") + std::to_string(report.blocks_movable) + of +
               "are movable: ballooning cannot take them back";
  }
  if (!message.empty()) return {Check::memory_blocks, Severity::note, message, {}};
  return {Check::memory_blocks,
          Severity::good,
          "all " + std::to_string(report.blocks_present) + " are online, none movable",
          {}};
}

}  // namespace

std::vector<Finding> diagnose_guest(const DomainExam& exam) {
  std::vector findings = {agent(exam), agent_version(exam)};
  if (!exam.facts.guest) {
    for (const Check check : {Check::hotplug, Check::kernel, Check::online_policy, Check::udev_rule,
                              Check::memory_blocks}) {
      findings.push_back({check, Severity::unknown, "no agent tells", {}});
    }
    return findings;
  }
  const GuestFacts& guest = *exam.facts.guest;
  findings.push_back(hotplug(guest));
  findings.push_back(kernel(exam, guest));
  findings.push_back(online_policy(guest));
  findings.push_back(udev_rule(guest));
  findings.push_back(memory_blocks(guest));
  return findings;
}

}  // namespace memctl::plan
