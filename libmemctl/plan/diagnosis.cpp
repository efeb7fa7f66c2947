// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The host and the domain: what the host measures. The guest's part is guest_diagnosis.cpp.
#include "plan/diagnosis.hpp"

#include <algorithm>

#include "memctl/size.hpp"
#include "plan/limits.hpp"

namespace memctl::plan {
namespace {

constexpr auto switch_autoballoon_off = R"(echo 'autoballoon="off"' >> /etc/xen/xl.conf)";

Finding good(Check check, std::string message) {
  return {.check = check, .severity = Severity::good, .message = std::move(message)};
}
Finding note(Check check, std::string message, std::string remedy = {}) {
  return {check, Severity::note, std::move(message), std::move(remedy)};
}
Finding bad(Check check, std::string message, std::string remedy) {
  return {check, Severity::bad, std::move(message), std::move(remedy)};
}
Finding unknown(Check check, std::string message) {
  return {.check = check, .severity = Severity::unknown, .message = std::move(message)};
}

Finding xen_version(const HostExam& exam) {
  const HostFacts& host = exam.host;
  const std::string version =
      "Xen " + std::to_string(host.xen_major) + "." + std::to_string(host.xen_minor);
  const bool new_enough = host.xen_major > 4 || (host.xen_major == 4 && host.xen_minor >= 17);
  if (new_enough) return good(Check::xen_version, version);
  return bad(Check::xen_version, version + " sets no paging pools, and ignores failures to map",
             "update Xen to 4.17 or newer");
}

Finding host_reserve(const HostExam& exam) {
  const Kib available = to_kib(exam.host.available());
  const std::string kept = mebibytes(exam.reserve) + " kept in reserve";
  if (available > exam.reserve) {
    return good(Check::host_reserve,
                mebibytes(available - exam.reserve) + " can be given, with " + kept);
  }
  return bad(Check::host_reserve,
             "nothing can be given: " + mebibytes(std::max(Kib{}, available)) +
                 " are free and unclaimed, with " + kept,
             "memctl resize GUEST -512m, of a guest that can spare it");
}

Finding host_claims(const HostExam& exam) {
  if (exam.host.claimed == Pages{}) return good(Check::host_claims, "none");
  return note(Check::host_claims, mebibytes(to_kib(exam.host.claimed)) +
                                      " are claimed for domains and not yet used by them");
}

Finding autoballoon(const HostExam& exam) {
  const auto refused = [](const std::string& why) {
    return bad(Check::autoballoon,
               why +
                   ": xl takes dom0's memory for new domains, and fixes the paging pools of pvh "
                   "and hvm guests that it starts, so that they cannot grow; start those anew "
                   "once it is off",
               switch_autoballoon_off);
  };
  const HostSettings& settings = exam.settings;
  if (!settings.autoballoon) {
    return unknown(Check::autoballoon,
                   "/etc/xen/xl.conf cannot be read, or sets autoballoon to what xl doesn't know");
  }
  switch (*settings.autoballoon) {
    case Autoballoon::off:
      return good(Check::autoballoon, "off");
    case Autoballoon::on:
      return refused("on in /etc/xen/xl.conf");
    case Autoballoon::automatic:
      break;
  }
  if (!settings.dom0_memory_is_fixed) {
    return unknown(Check::autoballoon,
                   "left to xl, which goes by dom0_mem on Xen's command line, and that cannot be "
                   "read");
  }
  if (*settings.dom0_memory_is_fixed) {
    return good(Check::autoballoon, "off: left to xl, and Xen's command line has dom0_mem");
  }
  return refused("on: left to xl, and Xen's command line has no dom0_mem");
}

Finding state(const DomainExam& exam) {
  const DomainFacts& domain = exam.facts.domain;
  const std::string name = word_for(domain.identity);
  if (domain.memory.dying) {
    return bad(Check::state, "the domain is being destroyed", "xl list " + name);
  }
  // A save suspends the guest, which Xen counts among the ways of shutting down.
  if (exam.being_saved == true) {
    return bad(Check::state, "the domain is being saved or migrated", "wait for its end");
  }
  if (domain.memory.shutdown == ShutdownReason::suspend) {
    return bad(Check::state, "the guest was suspended, to be saved or migrated", "xl list " + name);
  }
  if (domain.memory.shutdown != ShutdownReason::none) {
    return bad(Check::state, "the guest has shut down, or has crashed", "xl list " + name);
  }
  if (domain.memory.paused) {
    return bad(Check::state, "the domain is paused", "xl unpause " + name);
  }
  if (!exam.being_saved) {
    return unknown(Check::state, "it runs; whether it is being saved or migrated cannot be told");
  }
  return good(Check::state, "it runs");
}

Finding stored_configuration(const DomainExam& exam) {
  const DomainFacts& domain = exam.facts.domain;
  if (!domain.has_stored_configuration) {
    return bad(Check::stored_configuration,
               "libxl has no stored configuration of it: another toolstack built it",
               "start it with xl or libvirt");
  }
  if (!domain.target || !domain.limit) {
    return bad(Check::stored_configuration, "it has no memory target or limit in xenstore",
               "xl reboot " + word_for(domain.identity));
  }
  return good(Check::stored_configuration, "libxl built it");
}

/// Each resize first undoes what a dead one left, and ends without a claim: one to the size that
/// the domain had, or has, does nothing else.
std::string recover(const DomainExam& exam) {
  return "memctl recover " + word_for(exam.facts.domain.identity);
}

Finding leftover(const DomainExam& exam) {
  switch (exam.holder.state) {
    case Holder::State::none:
      return good(Check::leftover, "none");
    case Holder::State::alive:
      return note(Check::leftover, "an operation is under way: " + exam.holder.owner);
    case Holder::State::dead:
      return bad(Check::leftover,
                 exam.holder.owner.empty() ? "an operation could not undo what it had begun"
                                           : "an operation was not finished, and its process has "
                                             "gone: " +
                                                 exam.holder.owner,
                 recover(exam));
    case Holder::State::damaged:
      break;
  }
  return bad(Check::leftover, "the record of an operation cannot be read",
             "compare the limits with the domain's configuration, then xenstore-rm /libxl/" +
                 std::to_string(number(exam.facts.domain.identity.id)) + "/memctl");
}

Finding claims(const DomainExam& exam) {
  const DomainFacts& domain = exam.facts.domain;
  if (domain.memory.claim == Pages{}) return good(Check::claims, "none");
  const std::string held = mebibytes(to_kib(domain.memory.claim)) + " are claimed for it";
  switch (exam.holder.state) {
    case Holder::State::alive:
      return good(Check::claims, held + ", by the operation under way");
    case Holder::State::dead:
      return bad(Check::claims, held + ", by the operation that was not finished", recover(exam));
    case Holder::State::none:
    case Holder::State::damaged:
      break;
  }
  if (domain.memory.paused) {
    return note(Check::claims, held + "; a toolstack may still be building it");
  }
  const std::string size = domain.size() ? to_string(*domain.size()) : "SIZE";
  return bad(Check::claims, held + ", and no operation is under way",
             "memctl resize " + word_for(domain.identity) + " " + size);
}

Finding libvirt(const DomainExam& exam) {
  const DomainFacts& domain = exam.facts.domain;
  if (!domain.managed_by_libvirt) {
    return unknown(Check::libvirt, "whether libvirt runs it cannot be told");
  }
  if (!*domain.managed_by_libvirt) return good(Check::libvirt, "libvirt does not run it");
  return note(Check::libvirt,
              "libvirt runs it, and keeps a maximum of its own, which the domain has again when it "
              "is started anew",
              "virsh setmaxmem " + word_for(domain.identity) + " SIZE --config");
}

Finding passthrough(const DomainExam& exam) {
  const DomainFacts& domain = exam.facts.domain;
  const std::string list = "xl pci-list " + word_for(domain.identity);
  if (!domain.passthrough_devices) {
    return bad(Check::passthrough,
               "libxl does not say whether PCI devices are passed through to it: growth is refused",
               list);
  }
  if (*domain.passthrough_devices == 0) return good(Check::passthrough, "none");
  return bad(Check::passthrough,
             std::to_string(*domain.passthrough_devices) +
                 " PCI devices are passed through to it: growth could crash it and is refused",
             list + ", then xl pci-detach " + word_for(domain.identity) + " DEVICE");
}

Finding emulated_devices(const DomainExam& exam) {
  const auto& emulated = exam.facts.domain.emulated_dma_devices;
  if (emulated == false) return good(Check::emulated_devices, "none does DMA");
  return bad(Check::emulated_devices,
             (emulated ? std::string{"emulated devices do DMA"}
                       : std::string{"it cannot be told whether emulated devices do DMA"}) +
                 ", and cannot reach memory past the boot limit: growth past it is refused",
             "configure paravirtual devices only, or memctl resize --allow-hvm-devices");
}

Finding pool(const DomainExam& exam) {
  const DomainFacts& domain = exam.facts.domain;
  if (!domain.pool || !domain.hap) {
    return bad(Check::paging_pool,
               "Xen does not tell its size: growth is refused, since the pool could run dry",
               "update Xen to 4.17 or newer");
  }
  const auto needed = pool_needed(domain, domain.limit.value_or(Kib{}));
  if (needed && *domain.pool < *needed) {
    return note(Check::paging_pool,
                to_string(*domain.pool) + ", less than the " + to_string(*needed) +
                    " that the domain's limit needs: xl mem-set could stall or crash the guest; "
                    "memctl raises it first");
  }
  return good(Check::paging_pool, to_string(*domain.pool));
}

/// The largest maximum that a pool of that size does for; the formula of `pool_needed` read
/// backwards.
Kib largest_with(const DomainFacts& domain, Kib pool) {
  const std::int64_t pages = pool / kib_per_page - 256 * std::int64_t{domain.vcpus};
  return 1_MiB * std::max<std::int64_t>(0, pages / (domain.hap.value_or(false) ? 1 : 2));
}

Finding frozen_pool(const DomainExam& exam) {
  const DomainFacts& domain = exam.facts.domain;
  if (!domain.has_stored_configuration) {
    return unknown(Check::frozen_pool, "without a stored configuration it cannot be told");
  }
  if (!domain.frozen_pool) return good(Check::frozen_pool, "the pool follows the domain's limit");
  const Kib largest = largest_with(domain, *domain.frozen_pool);
  const std::string message = "the stored configuration fixes the pool at " +
                              to_string(*domain.frozen_pool) + ": growth past " +
                              mebibytes(largest) +
                              " is refused, since the domain could not be restored or migrated";
  const std::string remedy =
      std::string{switch_autoballoon_off} + ", then start the domain anew without shadow_memory";
  const bool grows = largest > domain.limit.value_or(Kib{});
  return grows ? note(Check::frozen_pool, message, remedy)
               : bad(Check::frozen_pool, message, remedy);
}

Finding populate_on_demand(const DomainExam& exam) {
  const DomainFacts& domain = exam.facts.domain;
  if (!domain.pod_entries) {
    return bad(Check::populate_on_demand,
               "Xen does not say whether its memory is populated on demand: a resize is refused",
               "start it with memory = maxmem");
  }
  if (*domain.pod_entries == Pages{}) return good(Check::populate_on_demand, "all is populated");
  return bad(Check::populate_on_demand,
             std::to_string(domain.pod_entries->count()) +
                 " pages are still to be populated on demand: a resize is refused",
             "wait for the guest's balloon, or start it with memory = maxmem");
}

/// With how much a pvh guest is sure to boot below that limit: it has to give the rest back as it
/// boots. Linux 6.1 on Xen 4.17 did with 160 of 512, 288 and 400 of 3584 MiB, and panicked with 160
/// of 1024, 2048 and 3584 and with 200 of 3584 MiB.
Kib bootable_size(Kib limit) { return 128_MiB + limit / 24; }

Finding reboot(const DomainExam& exam) {
  const DomainFacts& domain = exam.facts.domain;
  const auto size = domain.size();
  if (!size || !domain.limit) return unknown(Check::reboot, "it has no target, or no limit");
  const Kib needed = std::min(*domain.limit, bootable_size(*domain.limit));
  if (*size >= needed) return good(Check::reboot, "it has enough to boot with below its limit");
  const Kib enough = round_up(needed, 1_MiB);
  return note(Check::reboot,
              "rebooting from inside with " + mebibytes(*size) + " under a limit of " +
                  mebibytes(*domain.limit) +
                  ", its kernel may panic as it boots: have it grown to " + mebibytes(enough) +
                  " before, or shut it down and start it anew",
              "memctl resize " + word_for(domain.identity) + " " + to_string(enough));
}

}  // namespace

std::string word_for(const DomainIdentity& domain) {
  const auto is_plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  };
  const std::string& name = domain.name;
  const bool plain = !name.empty() && name.front() != '-' && std::ranges::all_of(name, is_plain);
  return plain ? name : std::to_string(number(domain.id));
}

std::vector<Finding> diagnose_host(const HostExam& exam) {
  return {xen_version(exam), host_reserve(exam), host_claims(exam), autoballoon(exam)};
}

std::vector<Finding> diagnose_domain(const DomainExam& exam) {
  std::vector findings = {state(exam),   stored_configuration(exam), leftover(exam), claims(exam),
                          libvirt(exam), passthrough(exam)};
  const DomainType type = exam.facts.domain.identity.type;
  if (type == DomainType::hvm) findings.push_back(emulated_devices(exam));
  if (type == DomainType::pv) return findings;
  findings.push_back(pool(exam));
  findings.push_back(frozen_pool(exam));
  findings.push_back(populate_on_demand(exam));
  findings.push_back(reboot(exam));
  return findings;
}

}  // namespace memctl::plan
