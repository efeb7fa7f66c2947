// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The findings about the host and the domain.
#include <algorithm>

#include "diagnosis_fixture.hpp"
#include "plan/limits.hpp"

namespace memctl::plan {
namespace {

TEST(Diagnosis, EverythingIsGoodOnASoundHostAndDomain) {
  std::vector<Finding> all = diagnose_host(sound_host());
  for (const DomainType type : {DomainType::pv, DomainType::pvh, DomainType::hvm}) {
    for (auto& finding : diagnose_domain(sound_domain(type))) all.push_back(finding);
    for (auto& finding : diagnose_guest(sound_domain(type))) all.push_back(finding);
  }
  for (const Finding& finding : all) {
    EXPECT_EQ(finding.severity, Severity::good) << name(finding.check) << finding.message;
    EXPECT_EQ(finding.remedy, "");
    EXPECT_NE(finding.message, "");
  }
}

TEST(Diagnosis, TheFindingsAreInTheOrderOfTheirChecks) {
  const auto in_order = [](const std::vector<Finding>& findings) {
    return std::ranges::is_sorted(findings, {}, &Finding::check);
  };
  EXPECT_TRUE(in_order(diagnose_host(sound_host())));
  for (const DomainType type : {DomainType::pv, DomainType::pvh, DomainType::hvm}) {
    EXPECT_TRUE(in_order(diagnose_domain(sound_domain(type)))) << name(type);
    EXPECT_TRUE(in_order(diagnose_guest(sound_domain(type)))) << name(type);
  }
}

TEST(Diagnosis, ChecksThatDoNotApplyToATypeOfDomainAreLeftOut) {
  const auto checks = [](DomainType type) { return diagnose_domain(sound_domain(type)).size(); };
  EXPECT_EQ(checks(DomainType::pv) + 4, checks(DomainType::pvh));
  EXPECT_EQ(checks(DomainType::pvh) + 1, checks(DomainType::hvm));
}

TEST(HostDiagnosis, XenIsTooOld) {
  expect(on_host(Check::xen_version, [](auto& exam) { exam.host.xen_minor = 16; }), Severity::bad,
         "Xen 4.16", "4.17");
  const auto next = on_host(Check::xen_version, [](auto& exam) {
    exam.host.xen_major = 5;
    exam.host.xen_minor = 0;
  });
  EXPECT_EQ(next.severity, Severity::good);
}

TEST(HostDiagnosis, NothingIsFreeButTheReserve) {
  const auto claimed = [](auto& exam) { exam.host.claimed = to_pages(8_GiB - 64_MiB); };
  expect(on_host(Check::host_reserve, claimed), Severity::bad, "64 MiB are free", "memctl resize");
  expect(on_host(Check::host_claims, claimed), Severity::note, "8128 MiB", "");
}

TEST(HostDiagnosis, Autoballoon) {
  const auto with = [](std::optional<Autoballoon> setting, std::optional<bool> fixed) {
    return on_host(Check::autoballoon, [&](auto& exam) {
      exam.settings = {.autoballoon = setting, .dom0_memory_is_fixed = fixed};
    });
  };
  expect(with(Autoballoon::on, true), Severity::note, "on in", R"(autoballoon="off")");
  expect(with(Autoballoon::automatic, false), Severity::note, "no dom0_mem", R"("off")");
  expect(with(Autoballoon::automatic, true), Severity::good, "has dom0_mem", "");
  expect(with(Autoballoon::automatic, std::nullopt), Severity::unknown, "cannot be read", "");
  expect(with(std::nullopt, true), Severity::unknown, "xl.conf", "");
  EXPECT_EQ(with(Autoballoon::off, false).severity, Severity::good);
  expect(on_host(Check::autoballoon,
                 [](auto& exam) {
                   exam.host.xen_minor = 21;
                   exam.settings.autoballoon = Autoballoon::on;
                 }),
         Severity::bad, "cannot grow", R"("off")");
}

TEST(HostDiagnosis, TheProgramThatIsXenstoreIsNamed) {
  const auto with = [](std::optional<StoreProgram> store) {
    return on_host(Check::xenstored, [&](auto& exam) { exam.settings.store = store; });
  };
  expect(with(StoreProgram::xenstored), Severity::good, "xenstored, which is written in C", "");
  expect(with(StoreProgram::oxenstored), Severity::good, "oxenstored, which", "");
  expect(with(StoreProgram::domain), Severity::good, "a domain of its own", "");
  expect(with(std::nullopt), Severity::unknown, "cannot be told", "");
}

TEST(HostDiagnosis, ProgramsThatResizeDomainsAreNamed) {
  const auto with = [](std::optional<std::vector<std::string>> running) {
    return on_host(Check::memory_manager,
                   [&](auto& exam) { exam.settings.memory_managers = running; });
  };
  EXPECT_EQ(with(std::vector<std::string>{}).severity, Severity::good);
  expect(with(std::vector<std::string>{"qmemman"}), Severity::bad,
         "qmemman runs: ", "systemctl disable --now qubes-qmemman");
  expect(with(std::vector<std::string>{"qmemman", "squeezed"}), Severity::bad,
         "qmemman and squeezed run: ", "systemctl disable --now qubes-qmemman squeezed");
  expect(with(std::nullopt), Severity::unknown, "cannot be read", "");
}

TEST(DomainDiagnosis, State) {
  const auto with = [](auto change) {
    return on_domain(Check::state,
                     [&](auto& exam, auto&) { change(exam, exam.facts.domain.memory); });
  };
  expect(with([](auto&, auto& memory) { memory.paused = true; }), Severity::bad, "paused",
         "xl unpause web1");
  expect(with([](auto&, auto& memory) { memory.dying = true; }), Severity::bad, "destroyed",
         "xl list web1");
  expect(with([](auto&, auto& memory) { memory.shutdown = ShutdownReason::crash; }), Severity::bad,
         "crashed", "xl list");
  expect(with([](auto& exam, auto&) { exam.facts.being_saved = true; }), Severity::bad, "saved",
         "wait");
  const auto suspended = [](auto&, auto& memory) { memory.shutdown = ShutdownReason::suspend; };
  expect(with(suspended), Severity::bad, "suspended", "xl list web1");
  expect(with([&](auto& exam, auto& memory) {
           suspended(exam, memory);
           exam.facts.being_saved = true;
         }),
         Severity::bad, "is being saved", "wait");
  expect(with([](auto& exam, auto&) { exam.facts.being_saved.reset(); }), Severity::unknown,
         "cannot be told", "");
}

TEST(DomainDiagnosis, StoredConfiguration) {
  expect(on_domain(Check::stored_configuration,
                   [](auto&, auto& domain) { domain.has_stored_configuration = false; }),
         Severity::bad, "another toolstack", "xl");
  expect(on_domain(Check::stored_configuration, [](auto&, auto& domain) { domain.in_shim = true; }),
         Severity::bad, "in Xen's shim", "without pvshim");
  expect(on_domain(Check::stored_configuration, [](auto&, auto& domain) { domain.target.reset(); }),
         Severity::bad, "no memory target", "xl reboot web1");
}

TEST(DomainDiagnosis, LeftoversAndClaims) {
  const auto with = [](Check check, Holder::State state, bool paused = false) {
    return on_domain(check, [&](auto& exam, auto& domain) {
      exam.facts.holder = {.state = state, .owner = "boot:1:2"};
      domain.memory.claim = to_pages(100_MiB);
      domain.memory.paused = paused;
    });
  };
  using State = Holder::State;
  expect(with(Check::leftover, State::alive), Severity::note, "under way: boot:1:2", "");
  expect(with(Check::leftover, State::dead), Severity::bad, "boot:1:2", "memctl recover web1");
  expect(with(Check::leftover, State::damaged), Severity::bad, "cannot be read",
         "xenstore-rm /libxl/3/memctl");
  expect(with(Check::claims, State::alive), Severity::good, "under way", "");
  expect(with(Check::claims, State::dead), Severity::bad, "100 MiB", "memctl recover web1");
  expect(with(Check::claims, State::none), Severity::bad, "100 MiB", "memctl resize web1 160m");
  expect(with(Check::claims, State::none, true), Severity::note, "building", "");
}

TEST(DomainDiagnosis, Libvirt) {
  expect(on_domain(Check::libvirt, [](auto&, auto& domain) { domain.managed_by_libvirt = true; }),
         Severity::note, "maximum of its own", "virsh setmaxmem web1");
  expect(on_domain(Check::libvirt, [](auto&, auto& domain) { domain.managed_by_libvirt.reset(); }),
         Severity::unknown, "cannot be told", "");
}

TEST(DomainDiagnosis, Devices) {
  const auto with = [](std::optional<int> devices) {
    return on_domain(Check::passthrough,
                     [&](auto&, auto& domain) { domain.passthrough_devices = devices; });
  };
  expect(with(2), Severity::bad, "2 PCI devices", "xl pci-detach web1");
  expect(with(std::nullopt), Severity::bad, "does not say", "xl pci-list web1");
  const auto emulated = [](std::optional<bool> devices) {
    return on_domain(
        Check::emulated_devices,
        [&](auto&, auto& domain) { domain.emulated_dma_devices = devices; }, DomainType::hvm);
  };
  expect(emulated(true), Severity::bad, "emulated disks", "--allow-hvm-devices");
  expect(emulated(std::nullopt), Severity::bad, "does not say", "--allow-hvm-devices");
}

TEST(DomainDiagnosis, PagingPool) {
  expect(on_domain(Check::paging_pool, [](auto&, auto& domain) { domain.pool.reset(); }),
         Severity::bad, "does not tell", "4.17");
  const auto raised =
      on_domain(Check::paging_pool, [](auto&, auto& domain) { domain.limit = 4_GiB; });
  expect(raised, Severity::note, "1664 KiB, less than", "");
}

/// A frozen pool is bad for the doctor exactly if a plan would be refused for it.
TEST(DomainDiagnosis, AFrozenPoolThatIsNotRaisedBoundsGrowthAsInAPlan) {
  DomainExam exam = sound_domain();
  exam.facts.host = sound_host().host;
  exam.facts.host.xen_minor = 21;
  exam.facts.domain.frozen_pool = pool_for(160_MiB, 1, true);
  const auto frozen = found(diagnose_domain(exam), Check::frozen_pool);
  expect(frozen, Severity::bad, "enough for 160 MiB", "start the domain anew");
  exam.facts.domain.frozen_pool = 8_MiB;
  expect(found(diagnose_domain(exam), Check::frozen_pool), Severity::note, "enough for 1792 MiB",
         "start the domain anew");
  exam.facts.guest->report.kernel_zone_free = 128_MiB;
  EXPECT_FALSE(refuse_growth(exam.facts, 1792_MiB));
  EXPECT_EQ(refuse_growth(exam.facts, 1793_MiB)->cause, Cause::paging_pool);
  exam.facts.domain.has_stored_configuration = false;
  EXPECT_EQ(found(diagnose_domain(exam), Check::frozen_pool).severity, Severity::unknown);
}

TEST(DomainDiagnosis, AFrozenPoolThatAResizeRaisesIsGood) {
  DomainExam exam = sound_domain();
  exam.facts.host = sound_host().host;
  exam.facts.domain.frozen_pool = pool_for(160_MiB, 1, true);
  expect(found(diagnose_domain(exam), Check::frozen_pool), Severity::good,
         "a resize raises it with the limit", "");
  EXPECT_FALSE(refuse_frozen_pool(exam.facts, 1_TiB));
  exam.facts.domain.limit = 1_GiB;  // by another tool
  expect(found(diagnose_domain(exam), Check::frozen_pool), Severity::note,
         "less than the 5 MiB that the domain's limit needs", "");
}

TEST(DomainDiagnosis, AFrozenPoolOfLibvirtsNamesLibvirtsCommand) {
  DomainExam exam = sound_domain();
  exam.facts.host = sound_host().host;
  exam.facts.domain.frozen_pool = pool_for(160_MiB, 1, true);
  exam.facts.domain.managed_by_libvirt = true;
  expect(found(diagnose_domain(exam), Check::frozen_pool), Severity::bad, "libvirt runs it",
         "virsh setmaxmem");
  exam.facts.domain.managed_by_libvirt.reset();
  expect(found(diagnose_domain(exam), Check::frozen_pool), Severity::bad, "cannot be told",
         "/run/libvirt");
}

TEST(DomainDiagnosis, PopulateOnDemand) {
  const auto with = [](std::optional<Pages> entries) {
    return on_domain(Check::populate_on_demand,
                     [&](auto&, auto& domain) { domain.pod_entries = entries; });
  };
  expect(with(Pages{7}), Severity::bad, "7 pages", "memory = maxmem");
  expect(with(std::nullopt), Severity::bad, "does not say", "memory = maxmem");
}

TEST(DomainDiagnosis, Reboot) {
  const auto with = [](Kib size, Kib limit) {
    return on_domain(Check::reboot, [&](auto&, auto& domain) {
      domain.target = size - domain.video_ram;
      domain.limit = limit;
    });
  };
  // On real Xen these guests booted.
  for (const auto& [size, limit] :
       {std::pair{160_MiB, 512_MiB}, {288_MiB, 3584_MiB}, {400_MiB, 3584_MiB}, {64_MiB, 64_MiB}}) {
    EXPECT_EQ(with(size, limit).severity, Severity::good) << size.count();
  }
  // On real Xen these guests did not boot.
  for (const auto& [size, limit] :
       {std::pair{160_MiB, 1_GiB}, {160_MiB, 2_GiB}, {160_MiB, 3584_MiB}, {200_MiB, 3584_MiB}}) {
    EXPECT_EQ(with(size, limit).severity, Severity::note) << size.count();
  }
  expect(with(200_MiB, 3584_MiB), Severity::note, "with 200 MiB under a limit of 3584 MiB",
         "memctl resize web1 278m");
}

TEST(DomainDiagnosis, MaxPagesBelowTheTarget) {
  const auto with = [](Kib cap) {
    return on_domain(Check::max_pages, [&](auto&, auto& domain) {
      domain.memory = {.allocated = to_pages(std::min(cap, 160_MiB)), .max_pages = cap};
    });
  };
  EXPECT_EQ(with(160_MiB).severity, Severity::good);
  expect(with(159_MiB), Severity::note,
         "max_pages is 159 MiB, below what its size of 160 MiB needs", "memctl resize web1 160m");
}

TEST(DomainDiagnosis, AColdStartBringsBackWhatItWasBuiltWith) {
  const auto with = [](auto change) {
    return on_domain(Check::cold_start, [&](auto&, auto& domain) { change(domain); });
  };
  expect(with([](auto&) {}), Severity::good, "160 MiB of at most 160 MiB", "");
  expect(with([](auto& domain) { domain.target = domain.limit = 4_GiB; }), Severity::note,
         "built with 160 MiB of at most 160 MiB, and has 4096 MiB of at most 4096 MiB",
         "set memory and maxmem in the domain's configuration file");
  EXPECT_EQ(with([](auto& domain) { domain.target = 100_MiB; }).severity, Severity::note);
  EXPECT_EQ(with([](auto& domain) { domain.limit = 1_GiB; }).severity, Severity::note);
  EXPECT_EQ(with([](auto& domain) { domain.boot_limit = 1_GiB; }).severity, Severity::good)
      << "another tool lowered the limit of a domain that has room";
  expect(with([](auto& domain) {
           domain.target = 100_MiB;
           domain.managed_by_libvirt = true;
         }),
         Severity::note, "built with", "virsh edit web1");
  EXPECT_EQ(with([](auto& domain) { domain.boot_size.reset(); }).severity, Severity::unknown);
  EXPECT_EQ(with([](auto& domain) { domain.target.reset(); }).severity, Severity::unknown);
}

TEST(CommandWord, IsTheNameOrTheNumber) {
  const auto word = [](const char* name) {
    return command_word({.id = DomainId{7}, .name = name});
  };
  for (const char* name :
       {"web; touch x", "a b", "--help", "", "$(x)", "`x`", "a'b", "a\"b", "a\nb", "\x1b[2J",
        "~root", "*", "a|b", "a&b", "a>b", "#a", "12", "w\xc3\xa9"}) {
    EXPECT_EQ(word(name), "7") << name;
  }
  EXPECT_EQ(word("db-1.example_x"), "db-1.example_x");
}

TEST(DomainDiagnosis, AStubDomainIsNotedAsWhatItIs) {
  DomainExam exam = sound_domain();
  exam.facts.guest.reset();
  exam.facts.domain.has_stored_configuration = false;
  exam.facts.domain.identity.device_model_of = DomainId{7};
  const auto findings = diagnose_domain(exam);
  ASSERT_EQ(findings.size(), 1U);
  expect(findings.front(), Severity::note, "the device model of domain 7", "");
  EXPECT_TRUE(diagnose_guest(exam).empty());
}

}  // namespace
}  // namespace memctl::plan
