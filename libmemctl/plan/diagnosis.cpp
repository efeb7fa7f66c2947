// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The findings about the host and the domain, which the host measures. guest_diagnosis.cpp has
// those about the guest.
#include "plan/diagnosis.hpp"

#include <algorithm>

#include "memctl/size.hpp"
#include "plan/limits.hpp"
#include "plan/words.hpp"

namespace memctl::plan {
namespace {

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
/// A finding for what a resize would be refused for.
Finding bad(Check check, const Error& refusal) { return bad(check, refusal.message, refusal.hint); }

Finding xen_version(const HostExam& exam) {
  const HostFacts& host = exam.host;
  const std::string version =
      "Xen " + std::to_string(host.xen_major) + "." + std::to_string(host.xen_minor);
  const bool new_enough = host.xen_major > 4 || (host.xen_major == 4 && host.xen_minor >= 17);
  if (new_enough) return good(Check::xen_version, version);
  return bad(Check::xen_version, version + " sets no paging pools, and ignores failures to map",
             "update Xen to 4.17 or newer");
}

Finding xenstored(const HostExam& exam) {
  if (!exam.settings.store) {
    return unknown(Check::xenstored, "which program is xenstore cannot be told");
  }
  switch (*exam.settings.store) {
    case StoreProgram::xenstored:
      return good(Check::xenstored, "xenstored, which is written in C");
    case StoreProgram::oxenstored:
      return good(Check::xenstored, "oxenstored, which is written in OCaml");
    case StoreProgram::domain:
      break;
  }
  return good(Check::xenstored, "it runs in a domain of its own");
}

Finding host_reserve(const HostExam& exam) {
  const Kib available = to_kib(exam.host.available());
  const std::string kept = to_string(exam.reserve) + " kept in reserve";
  if (available > exam.reserve) {
    return good(Check::host_reserve,
                at_most(available - exam.reserve) + " can be given, with " + kept);
  }
  return bad(Check::host_reserve,
             "nothing can be given: " + at_most(std::max(Kib{}, available)) +
                 " are free and unclaimed, with " + kept,
             "memctl resize GUEST -512m, of a guest that can spare it");
}

Finding host_claims(const HostExam& exam) {
  if (exam.host.claimed == Pages{}) return good(Check::host_claims, "none");
  return note(Check::host_claims, to_string(to_kib(exam.host.claimed)) +
                                      " are claimed for domains and not yet used by them");
}

Finding autoballoon(const HostExam& exam) {
  const auto on = [&exam](const std::string& why) {
    const std::string effect = why +
                               ": xl takes dom0's memory for new domains, and fixes the paging "
                               "pools of pvh and hvm guests that it starts";
    return raises_frozen_pools(exam.host)
               ? note(Check::autoballoon, effect + "; a resize raises these, too",
                      switch_autoballoon_off)
               : bad(Check::autoballoon,
                     effect + ", so that they cannot grow; start those anew once it is off",
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
      return on("on in /etc/xen/xl.conf");
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
  return on("on: left to xl, and Xen's command line has no dom0_mem");
}

Finding state(const DomainExam& exam) {
  // A save suspends the guest, and Xen shows a suspended guest as shut down.
  if (const auto refused = refuse_save(exam.facts)) return bad(Check::state, *refused);
  if (const auto refused = refuse_state(exam.facts)) return bad(Check::state, *refused);
  if (!exam.facts.being_saved) {
    return unknown(Check::state, "it runs; whether it is being saved or migrated cannot be told");
  }
  return good(Check::state, "it runs");
}

Finding stored_configuration(const DomainExam& exam) {
  if (const auto refused = refuse_toolstack(exam.facts)) {
    return bad(Check::stored_configuration, *refused);
  }
  if (const auto refused = refuse_shim(exam.facts)) {
    return bad(Check::stored_configuration, *refused);
  }
  return good(Check::stored_configuration, "libxl built it");
}

/// The command that restores what a dead operation left.
std::string recover(const DomainExam& exam) {
  return "memctl recover " + command_word(exam.facts.domain.identity);
}

Finding leftover(const DomainExam& exam) {
  switch (exam.facts.holder.state) {
    case Holder::State::none:
      return good(Check::leftover, "none");
    case Holder::State::alive:
      return note(Check::leftover, "an operation is under way: " + exam.facts.holder.owner);
    case Holder::State::dead:
      return bad(Check::leftover,
                 exam.facts.holder.owner.empty()
                     ? "an operation could not restore the earlier state"
                     : "an operation was not finished, and its process has "
                       "gone: " +
                           exam.facts.holder.owner,
                 recover(exam));
    case Holder::State::damaged:
    case Holder::State::newer:
      break;
  }
  return bad(Check::leftover, *refuse_held(exam.facts));
}

Finding claims(const DomainExam& exam) {
  const DomainFacts& domain = exam.facts.domain;
  if (domain.memory.claim == Pages{}) return good(Check::claims, "none");
  const std::string held = to_string(to_kib(domain.memory.claim)) + " are claimed for it";
  switch (exam.facts.holder.state) {
    case Holder::State::alive:
      return good(Check::claims, held + ", by the operation under way");
    case Holder::State::dead:
      return bad(Check::claims, held + ", by the operation that was not finished", recover(exam));
    case Holder::State::none:
    case Holder::State::damaged:
    case Holder::State::newer:
      break;
  }
  if (domain.memory.paused) {
    return note(Check::claims, held + "; a toolstack may still be building it");
  }
  const std::string size = domain.size() ? word_for(*domain.size()) : "SIZE";
  return bad(Check::claims, held + ", and no operation is under way",
             "memctl resize " + command_word(domain.identity) + " " + size);
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
              "virsh setmaxmem " + command_word(domain.identity) + " SIZE --config");
}

Finding passthrough(const DomainExam& exam) {
  if (const auto refused = refuse_passthrough(exam.facts, largest_size)) {
    return bad(Check::passthrough, *refused);
  }
  return good(Check::passthrough, "none");
}

Finding emulated_devices(const DomainExam& exam) {
  if (const auto refused = refuse_emulated_devices(exam.facts, largest_size)) {
    return bad(Check::emulated_devices, *refused);
  }
  return good(Check::emulated_devices, "none does DMA");
}

Finding paging_pool(const DomainExam& exam) {
  const DomainFacts& domain = exam.facts.domain;
  const Kib limit = domain.limit.value_or(Kib{});
  if (const auto refused = refuse_unknown_pool(exam.facts, limit)) {
    return bad(Check::paging_pool, *refused);
  }
  const auto needed = pool_needed(domain, limit);
  if (needed && *domain.pool < *needed) {
    return note(Check::paging_pool,
                to_string(*domain.pool) + ", less than the " + to_string(*needed) +
                    " that the domain's limit needs: xl mem-set could stall or crash the guest; "
                    "memctl raises it first");
  }
  return good(Check::paging_pool, to_string(*domain.pool));
}

Finding frozen_pool(const DomainExam& exam) {
  const DomainFacts& domain = exam.facts.domain;
  if (!domain.has_stored_configuration) {
    return unknown(Check::frozen_pool, "without a stored configuration it cannot be told");
  }
  if (!domain.frozen_pool) return good(Check::frozen_pool, "the pool follows the domain's limit");
  const auto refused = refuse_frozen_pool(exam.facts, largest_size);
  if (!refused) {
    const std::string fixed = to_string(*domain.frozen_pool) + " in the stored configuration";
    const auto needed = frozen_pool_needed(domain, domain.limit.value_or(Kib{}));
    return needed ? note(Check::frozen_pool,
                         fixed + ", less than the " + to_string(*needed) +
                             " that the domain's limit needs: xl restore or reboot could lose the "
                             "guest; any resize raises it first")
                  : good(Check::frozen_pool, fixed + "; a resize raises it with the limit");
  }
  const bool grows = !refuse_frozen_pool(exam.facts, domain.limit.value_or(Kib{}) + 1_MiB);
  return grows ? note(Check::frozen_pool, refused->message, refused->hint)
               : bad(Check::frozen_pool, *refused);
}

Finding populate_on_demand(const DomainExam& exam) {
  if (const auto refused = refuse_populate_on_demand(exam.facts)) {
    return bad(Check::populate_on_demand, *refused);
  }
  return good(Check::populate_on_demand, "all is populated");
}

/// The size with which a pvh guest is sure to boot under `limit`: it has to give the rest back as
/// it boots. Linux 6.1 on Xen 4.17 booted with 160 of 512 MiB and with 288 and 400 of 3584 MiB. It
/// panicked with 160 of 1024, 2048 and 3584 MiB and with 200 of 3584 MiB.
Kib bootable_size(Kib limit) { return 128_MiB + limit / 24; }

Finding reboot(const DomainExam& exam) {
  const DomainFacts& domain = exam.facts.domain;
  const auto size = domain.size();
  if (!size || !domain.limit) return unknown(Check::reboot, "it has no target, or no limit");
  const Kib needed = std::min(*domain.limit, bootable_size(*domain.limit));
  if (*size >= needed) return good(Check::reboot, "it has enough to boot with below its limit");
  const Kib enough = round_up(needed, 1_MiB);
  return note(Check::reboot,
              "rebooting from inside with " + to_string(*size) + " under a limit of " +
                  to_string(*domain.limit) +
                  ", its kernel may panic as it boots: have it grown to " + to_string(enough) +
                  " before, or shut it down and start it anew",
              "memctl resize " + command_word(domain.identity) + " " + word_for(enough));
}

Finding max_pages(const DomainExam& exam) {
  const DomainFacts& domain = exam.facts.domain;
  const auto size = domain.size();
  if (!size) return unknown(Check::max_pages, "it has no target");
  const Kib cap = domain.memory.max_pages;
  const Pages wanted = settled_pages(exam.facts, *size);
  if (to_pages(cap) >= wanted || domain.memory.allocated >= wanted) {
    return good(Check::max_pages, "Xen lets it reach its target");
  }
  return note(Check::max_pages,
              "its max_pages is " + to_string(cap) + ", below what its size of " +
                  to_string(*size) + " needs: it cannot get there",
              "memctl resize " + command_word(domain.identity) + " " + word_for(*size));
}

Finding cold_start(const DomainExam& exam) {
  const DomainFacts& domain = exam.facts.domain;
  if (!domain.boot_size || !domain.boot_limit) {
    return unknown(Check::cold_start, "without a stored configuration it cannot be told");
  }
  const auto size = domain.size();
  if (!size || !domain.limit) {
    return unknown(Check::cold_start, "it has no target, or no limit");
  }
  const std::string built = to_string(*domain.boot_size) + " of at most " +
                            to_string(std::max(*domain.boot_size, *domain.boot_limit));
  if (*size == *domain.boot_size && *domain.limit <= *domain.boot_limit) {
    return good(Check::cold_start, "it was built with what it has: " + built);
  }
  return note(Check::cold_start,
              "it was built with " + built + ", and has " + to_string(*size) + " of at most " +
                  to_string(*domain.limit) +
                  ": shut down and started anew, it has what its configuration file says",
              domain.managed_by_libvirt == true
                  ? "virsh edit " + command_word(domain.identity)
                  : "set memory and maxmem in the domain's configuration file");
}

Finding memory_manager(const HostExam& exam) {
  const auto& running = exam.settings.memory_managers;
  if (!running) return unknown(Check::memory_manager, "dom0's processes cannot be read");
  if (running->empty()) return good(Check::memory_manager, "none");
  const bool qmemman = std::ranges::find(*running, "qmemman") != running->end();
  const bool squeezed = std::ranges::find(*running, "squeezed") != running->end();
  const std::string units =
      std::string{qmemman ? " qubes-qmemman" : ""} + (squeezed ? " squeezed" : "");
  return bad(Check::memory_manager,
             qmemman && squeezed
                 ? "qmemman and squeezed run: they set all domains' targets, and so undo resizes"
                 : std::string{qmemman ? "qmemman" : "squeezed"} +
                       " runs: it sets all domains' targets, and so undoes resizes",
             "systemctl disable --now" + units);
}

}  // namespace

std::vector<Finding> diagnose_host(const HostExam& exam) {
  return {xen_version(exam), host_reserve(exam),   host_claims(exam),
          autoballoon(exam), memory_manager(exam), xenstored(exam)};
}

std::vector<Finding> diagnose_domain(const DomainExam& exam) {
  if (const auto stub = refuse_device_model(exam.facts)) {
    return {note(Check::state, stub->message)};
  }
  std::vector findings = {state(exam),   stored_configuration(exam), leftover(exam), claims(exam),
                          libvirt(exam), passthrough(exam)};
  const DomainType type = exam.facts.domain.identity.type;
  if (type == DomainType::hvm) findings.push_back(emulated_devices(exam));
  if (type != DomainType::pv) {
    findings.push_back(paging_pool(exam));
    findings.push_back(frozen_pool(exam));
    findings.push_back(populate_on_demand(exam));
    findings.push_back(reboot(exam));
  }
  findings.push_back(max_pages(exam));
  findings.push_back(cold_start(exam));
  return findings;
}

}  // namespace memctl::plan
