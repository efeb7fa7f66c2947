// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Other tools act on a domain right before any call of an operation. If another tool sets a limit,
// its value stands. If the domain ends, reboots, pauses or is saved, the operation ends in bounded
// time and leaves nothing behind.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "course.hpp"

namespace memctl::faults {
namespace {

using host::sim::World;
using test::Fault;
using test::FaultPlan;
using namespace std::chrono_literals;

/// The calls of an operation that set a limit.
const std::set<std::string> limit_calls{"set_size", "set_limit", "set_max_pages"};

/// The longest time that an operation takes here: a stall, and a stall while it restores.
constexpr std::chrono::seconds bounded{90};

Outcome outcome_of(const Result<Report>& result) {
  return result ? result.value().outcome : result.error().report->outcome;
}

/// Something that happens to a domain, and the causes that an operation may give for it.
struct Fate {
  std::function<void(World&, DomainId)> act{};
  std::set<Cause> causes{};
};

class Others : public Course {
 protected:
  using Act = std::function<void(World&, DomainId)>;

  /// Runs the operation with `act` right before its call `nth`.
  static Result<Report> treat(Patient& patient, int nth, const Act& act) {
    const auto begun = patient.world().clock().now();
    const auto ended = patient.treat(
        FaultPlan{{.kind = Fault::Kind::meanwhile, .nth = nth, .act = [&](World& world) {
                     act(world, patient.id());
                   }}});
    EXPECT_LE(patient.world().clock().now() - begun, bounded);
    EXPECT_EQ(patient.world().host_claimed(), Kib{});
    return *ended.report;
  }

  /// Runs the operation with each of `fates` right before each of its calls, and passes the result
  /// to `check`.
  template <class Check>
  void try_each(const std::map<std::string, Fate>& fates, Check check) {
    for (const auto& [what, fate] : fates) {
      for (int nth = 1; nth <= call_count(); ++nth) {
        SCOPED_TRACE(what + " " + at(nth));
        Patient patient{GetParam()};
        const auto ended = treat(patient, nth, fate.act);
        EXPECT_FALSE(patient.has_record());
        ++outcomes[std::string{name(outcome_of(ended))}];
        if (!ended) {
          EXPECT_TRUE(fate.causes.contains(ended.error().cause) ||
                      (runs_out_of_time() && ended.error().cause == Cause::deadline))
              << name(ended.error().cause) << ": " << ended.error().message;
        }
        check(patient, ended, what, nth);
        if (HasFailure()) return;
      }
    }
    tell();
  }

  /// Whether the operation sets a limit before it could notice what was done right before call
  /// `nth`.
  [[nodiscard]] bool in_the_instant_of_its_own(int nth) const {
    const auto from = static_cast<std::size_t>(nth - 1);
    for (std::size_t next = from; next < calls.size() && times[next] - times[from] < 1ms; ++next) {
      if (limit_calls.contains(calls[next])) return true;
    }
    return false;
  }

  [[nodiscard]] std::string at(int nth) const {
    return "before call " + std::to_string(nth) + ", " + nth_of(calls, nth);
  }

  void tell() const {
    std::cout << GetParam().name << ":";
    for (const auto& [how, count] : outcomes) std::cout << " " << count << " " << how;
    std::cout << "\n";
  }

  std::map<std::string, int> outcomes{};
};

void expect_no_nodes(Patient& patient, DomainId id) {
  const std::string home = host::sim::domain_path(id);
  for (const auto& [path, value] : patient.state().tree) {
    EXPECT_FALSE(path == home || path.starts_with(home + "/"))
        << path << " is left of a domain that has gone";
  }
}

INSTANTIATE_TEST_SUITE_P(Each, Others, testing::ValuesIn(treatments()),
                         [](const auto& treatment) { return treatment.param.name; });

/// What another tool sets, and how to see that its value stands.
struct Rival {
  std::string name{};
  Kib value{};
  std::function<void(World&, DomainId, Kib)> act{};
  std::function<Kib(World&, DomainId)> stands{};
};

std::vector<Rival> rivals() {
  const auto target = [](World& world, DomainId id) { return *world.target(id); };
  const auto limit = [](World& world, DomainId id) { return *world.limit(id); };
  const auto max_pages = [](World& world, DomainId id) { return world.max_pages(id); };
  return {
      {"mem-set", 444_MiB,
       [](World& world, DomainId id, Kib size) { static_cast<void>(world.mem_set(id, size)); },
       target},
      {"mem-max", 5_GiB,
       [](World& world, DomainId id, Kib size) { static_cast<void>(world.mem_max(id, size)); },
       limit},
      {"target", 444_MiB,
       [](World& world, DomainId id, Kib size) { ASSERT_TRUE(world.write_target(id, size)); },
       target},
      {"static-max", 5_GiB,
       [](World& world, DomainId id, Kib size) { ASSERT_TRUE(world.write_limit(id, size)); },
       limit},
      {"max_pages", 5_GiB,
       [](World& world, DomainId id, Kib size) { world.set_max_pages(id, size); }, max_pages},
  };
}

/// Between writing its record and its end, an operation that notices another tool's value ends as
/// superseded. It cannot notice a value that its own call overwrites in the same instant.
TEST_P(Others, KeepTheLimitsThatTheySet) {
  const auto facts = std::ranges::find(calls, "host_facts") - calls.begin();
  for (const Rival& rival : rivals()) {
    for (int nth = 1; nth <= call_count(); ++nth) {
      SCOPED_TRACE(rival.name + " " + at(nth));
      Patient patient{GetParam()};
      bool accepted = false;
      const auto ended = treat(patient, nth, [&](World& world, DomainId id) {
        rival.act(world, id, rival.value);
        accepted = rival.stands(world, id) == rival.value;
      });
      EXPECT_FALSE(patient.has_record());
      const Outcome outcome = outcome_of(ended);
      ++outcomes[std::string{name(outcome)}];
      const Kib stands = rival.stands(patient.world(), patient.id());
      if (!accepted) continue;  // libxl refused it
      if (!ended && ended.error().cause == Cause::superseded) {
        EXPECT_EQ(stands, rival.value);
        EXPECT_EQ(patient.state().tree, before.tree);
        if (outcome == Outcome::superseded) {
          EXPECT_EQ(ended.error().report->limit, patient.world().limit(patient.id()));
        } else {
          EXPECT_EQ(outcome, Outcome::refused);
        }
      } else if (nth > facts + 1 && patient.guest().alive()) {
        EXPECT_TRUE(stands == rival.value ? !calls_from(nth + 1, "domain_memory")
                                          : in_the_instant_of_its_own(nth))
            << name(outcome);
      }
      patient.world().advance(10s);
      // A guest with no memory left does not survive what xl does with such a target.
      EXPECT_TRUE(patient.guest().alive() || starves());
      if (HasFailure()) return;
    }
  }
  tell();
}

/// libxl's calls can wait for seconds for libxl's lock, while another tool holds it to set a limit.
TEST_P(Others, AreLookedForBetweenTwoCallsThatSetALimit) {
  bool looked = true;
  for (const std::string& call : calls) {
    if (call == "domain_memory") looked = true;
    if (!limit_calls.contains(call)) continue;
    EXPECT_TRUE(looked) << call;
    looked = false;
  }
}

TEST_P(Others, ThatEndTheDomainEndTheOperation) {
  const std::set<Cause> gone{Cause::domain_gone, Cause::no_such_domain};
  const std::map<std::string, Fate> ends{
      {"destroyed", {[](World& world, DomainId id) { world.destroy(id); }, gone}},
      {"destroyed slowly", {[](World& world, DomainId id) { world.destroy_slowly(id, 5s); }, gone}},
      {"rebooting",
       {[](World& world, DomainId id) { world.shut_down(id, ShutdownReason::reboot); },
        {Cause::guest_rebooted, Cause::domain_gone}}},
      {"rebooted", {[](World& world, DomainId id) { world.reboot(id); }, gone}},
      {"crashed", {[](World& world, DomainId id) { world.crash(id); }, {Cause::domain_gone}}},
      {"powered off",
       {[](World& world, DomainId id) { world.shut_down(id, ShutdownReason::poweroff); },
        {Cause::domain_gone}}},
  };
  try_each(ends,
           [&](Patient& patient, const Result<Report>& ended, const std::string& fate, int nth) {
             const Outcome outcome = outcome_of(ended);
             EXPECT_TRUE(outcome == Outcome::gone || outcome == Outcome::refused ||
                         !calls_from(nth + 1, "domain_memory"))
                 << name(outcome);
             if (fate == "rebooting" && outcome == Outcome::gone) {
               EXPECT_EQ(ended.error().cause, Cause::guest_rebooted);
             }
             if (fate.starts_with("destroyed") || fate == "rebooted") {
               expect_no_nodes(patient, patient.id());
             }
           });
}

/// A domain is destroyed between libxl_domain_setmaxmem's look at it and its write of the limit.
TEST_P(Others, ThatDestroyTheDomainUnderACallOfLibxlLeaveNoNodes) {
  for (int nth = 1; nth <= call_count(); ++nth) {
    if (nth_of(calls, nth) != "set_limit") continue;
    SCOPED_TRACE(at(nth));
    Patient patient{GetParam()};
    const auto ended = treat(patient, nth, [](World& world, DomainId id) {
      world.destroy_slowly(id, 5s);
      ASSERT_TRUE(world.write_limit(id, 5_GiB));
    });
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().cause, Cause::domain_gone) << ended.error().message;
    EXPECT_EQ(outcome_of(ended), Outcome::gone);
    expect_no_nodes(patient, patient.id());
  }
}

TEST_P(Others, ThatSuspendTheDomainAndLetItGoOnLeaveItToBeRecovered) {
  for (int nth = 1; nth <= call_count(); ++nth) {
    SCOPED_TRACE("suspended " + at(nth));
    Patient patient{GetParam()};
    const auto ended = treat(patient, nth, [](World& world, DomainId id) { world.suspend(id); });
    ++outcomes[std::string{name(outcome_of(ended))}];
    if (!ended) {
      EXPECT_TRUE(ended.error().cause == Cause::domain_migrating ||
                  (runs_out_of_time() && ended.error().cause == Cause::deadline))
          << name(ended.error().cause) << ": " << ended.error().message;
    }
    const bool left = patient.has_record();
    patient.world().resume(patient.id());

    const auto recovered = patient.recover({});
    expect_sound(patient, 61s);
    expect_recovered(patient, recovered);
    EXPECT_EQ(recovered.result->value().report.has_value(), left);
    if (HasFailure()) return;
  }
  tell();
}

TEST_P(Others, ThatPauseOrSaveTheDomainEndTheOperation) {
  const std::map<std::string, Fate> ends{
      {"paused", {[](World& world, DomainId id) { world.pause(id); }, {Cause::domain_paused}}},
      {"paused for 5 s",
       {[](World& world, DomainId id) {
          world.pause(id);
          world.after(5s, [&world, id] { world.unpause(id); });
        },
        // After 5 s an agent counts as absent; this agent goes on at that very moment.
        {Cause::domain_paused, Cause::agent_absent}}},
      {"saved",
       {[](World& world, DomainId id) { world.set_save_in_progress(id, true); },
        {Cause::domain_migrating}}},
  };
  const bool grows = GetParam().name.starts_with("grow");
  try_each(
      ends, [&](Patient& patient, const Result<Report>& ended, const std::string& fate, int nth) {
        if (fate == "saved" && grows) {  // a save in the middle is never a success
          EXPECT_EQ(ended.has_value(), !calls_from(nth, "save_in_progress") && !runs_out_of_time());
        }
        patient.world().unpause(patient.id());
        patient.world().set_save_in_progress(patient.id(), false);
        expect_sound(patient, 61s);
        if (ended) {
          EXPECT_EQ(patient.state(), after);
        } else {
          expect_as_reported(patient, *ended.error().report);
        }
      });
}

}  // namespace
}  // namespace memctl::faults
