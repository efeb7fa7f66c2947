// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The findings about the guest, from its agent. The guest claims all of it, so no command contains
// any of it.
#include <string>
#include <string_view>
#include <tuple>

#include "memctl/size.hpp"
#include "plan/diagnosis.hpp"
#include "plan/guest_kernel.hpp"
#include "plan/limits.hpp"

namespace memctl::plan {
namespace {

/// The policy, and the state of a block, that the agent sets for the kernel's zones: see
/// `agent::Kernel::policy_for`.
std::string kernel_policy(const GuestFacts& guest) {
  return is_32_bit_machine(guest.hello.machine) ? "online" : "online_kernel";
}

/// For now and for every boot (tmpfiles.d(5)).
std::string set_policy(const std::string& policy) {
  return "echo 'w /sys/devices/system/memory/auto_online_blocks - - - - " + policy +
         "' > /etc/tmpfiles.d/memctl.conf && systemd-tmpfiles --create /etc/tmpfiles.d/memctl.conf";
}

/// udev reads its files by name, so this rule comes first. It brings an added block online for the
/// kernel, and Linux refuses to bring an online block online once more: no later rule can make it
/// movable. The other files stay as they are, because they often have rules for processors, too.
std::string set_rule(const std::string& policy) {
  return "echo 'SUBSYSTEM==\"memory\", ACTION==\"add\", ATTR{state}==\"offline\", ATTR{state}=\"" +
         policy + "\"' > /etc/udev/rules.d/00-memctl.rules && udevadm control --reload";
}

/// The agent reads some things only when it starts. Without a restart it would still report a fault
/// that has been mended.
std::string and_look_again(const std::string& command) {
  return "in the guest: " + command + " && systemctl restart memctl-agent";
}

Finding agent(const DomainExam& exam) {
  if (exam.facts.guest) return {Check::agent, Severity::good, "it answers", {}};
  if (refuse_state(exam.facts)) {
    return {Check::agent, Severity::unknown, "the guest does not run, so it cannot answer", {}};
  }
  const bool incompatible =
      exam.agent_error && exam.agent_error->cause == Cause::agent_incompatible;
  if (incompatible) {
    const std::string& hint = exam.agent_error->hint;
    return {
        Check::agent, Severity::bad, "it is there, and speaks no protocol in common",
        hint.empty() ? "in the guest: install the memctl-agent of this version of memctl" : hint};
  }
  const std::string restart = "in the guest: systemctl restart memctl-agent";
  const Error refused = *refuse_without_agent(exam.facts);
  return {Check::agent, Severity::bad,
          exam.agent_error ? exam.agent_error->message : refused.message,
          exam.hello ? restart : refused.hint};
}

/// A version without the suffix that a packager or a simulator has added.
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
    const std::string& hint = exam.agent_error->hint;
    return finding(Severity::bad, exam.agent_error->message, hint.empty() ? upgrade : hint);
  }
  if (release_of(version) == release_of(exam.library_version)) {
    return finding(Severity::good, known);
  }
  return finding(Severity::note, known + ", and this is memctl " + exam.library_version, upgrade);
}

Finding hotplug(const Input& input) {
  if (const auto refused = refuse_hotplug(input, largest_size)) {
    return {Check::hotplug, Severity::bad, refused->message, refused->hint};
  }
  return {Check::hotplug,
          Severity::good,
          "in blocks of " + to_string(input.guest->hello.block_size),
          {}};
}

Finding kernel(const Input& input) {
  if (const auto refused = refuse_kernel_faults(input, largest_size)) {
    return {Check::kernel, Severity::bad, refused->message, refused->hint};
  }
  Input movable = input;
  movable.terms.online = OnlineZone::movable;
  if (const auto refused = refuse_kernel_faults(movable, largest_size)) {
    return {Check::kernel, Severity::note, refused->message, refused->hint};
  }
  return {Check::kernel, Severity::good, input.guest->hello.kernel_release, {}};
}

Finding online_policy(const GuestFacts& guest) {
  const std::string& policy = guest.hello.online_policy;
  if (policy.empty()) {
    return {Check::online_policy, Severity::unknown, "the guest's kernel tells none", {}};
  }
  const std::string best = kernel_policy(guest);
  // Older kernels know the policies `online` and `offline` alone, so no command is named for them.
  const auto version = parse_kernel_version(guest.hello.kernel_release, guest.hello.kernel_build);
  const bool is_known =
      best == "online" || !version || std::tie(version->major, version->minor) >= std::tuple{5, 8};
  if (policy != best && policy.starts_with("online")) {
    return {Check::online_policy, Severity::note,
            policy +
                ": without memctl, added memory may land where ballooning cannot take it "
                "back; the agent sets another one while memctl adds memory",
            is_known ? and_look_again(set_policy(best)) : std::string{}};
  }
  if (policy == "offline") {
    return {Check::online_policy,
            Severity::good,
            "offline: memory that is added without memctl stays unused",
            {}};
  }
  return {Check::online_policy, Severity::good, policy, {}};
}

Finding udev_rule(const GuestFacts& guest) {
  const auto& rule = guest.hello.udev_rule;
  if (!rule) {
    return {Check::udev_rule, Severity::unknown, "this agent does not look at udev's rules", {}};
  }
  if (rule->empty()) return {Check::udev_rule, Severity::good, "none sets a block's state", {}};
  const std::string mend = and_look_again(set_rule(kernel_policy(guest)));
  const bool narrow = is_32_bit_machine(guest.hello.machine);
  switch (guest.hello.udev_rule_action) {
    case RuleAction::online_kernel:
      if (narrow) {
        return {Check::udev_rule, Severity::bad,
                *rule + " moves added blocks out of the high memory that they are", mend};
      }
      return {Check::udev_rule,
              Severity::good,
              *rule + " brings added blocks online for the kernel, as the agent does",
              {}};
    case RuleAction::online:
      return {Check::udev_rule, narrow ? Severity::good : Severity::note,
              *rule +
                  " brings added blocks online by itself: harmless beside the agent, which is "
                  "faster, and not needed",
              narrow ? std::string{} : mend};
    case RuleAction::other:
      return {Check::udev_rule, Severity::note,
              *rule +
                  " brings added blocks online by itself, perhaps as movable ones, which "
                  "ballooning cannot take back",
              mend};
    case RuleAction::online_movable:
      break;
  }
  return {Check::udev_rule, Severity::bad,
          *rule +
              " makes added blocks movable: ballooning cannot take them back, and the kernel's "
              "own needs cannot be met from them",
          mend};
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
  if (refuse_device_model(exam.facts)) return {};
  std::vector findings = {agent(exam), agent_version(exam)};
  if (!exam.facts.guest) {
    for (const Check check : {Check::hotplug, Check::kernel, Check::online_policy, Check::udev_rule,
                              Check::memory_blocks}) {
      findings.push_back({check, Severity::unknown, "no agent tells", {}});
    }
    return findings;
  }
  const GuestFacts& guest = *exam.facts.guest;
  findings.push_back(hotplug(exam.facts));
  findings.push_back(kernel(exam.facts));
  findings.push_back(online_policy(guest));
  findings.push_back(udev_rule(guest));
  findings.push_back(memory_blocks(guest));
  return findings;
}

}  // namespace memctl::plan
