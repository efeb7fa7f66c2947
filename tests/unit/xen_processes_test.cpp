// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The processes of dom0, as /proc shows them: owners of records, save helpers, memory managers.
#include "host/xen/process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fake_proc.hpp"
#include "host/saves.hpp"

namespace memctl::host::xen {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace std::string_view_literals;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(ThisProcess, IsAliveUnderItsOwnNameOnly) {
  const std::string name = this_process();
  EXPECT_TRUE(is_process_alive(name)) << name;
  const auto start = name.rfind(':', name.rfind(':') - 1) + 1;
  EXPECT_FALSE(is_process_alive(std::string{name}.insert(start, "1")))
      << "another start time: the number was reused";
  EXPECT_FALSE(is_process_alive("x" + name)) << "another boot";
  for (const auto* wrong : {"", ":", "::", "a:b:c", "a:1", "a:-1:5", "a:1:2:3"}) {
    EXPECT_FALSE(is_process_alive(wrong)) << wrong;
  }
}

TEST(ThisProcess, IsNotAliveOnceItHasEnded) {
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(pipe(pipe_ends.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::string name = this_process();
    _exit(write(pipe_ends[1], name.data(), name.size()) < 0);
  }
  close(pipe_ends[1]);
  std::array<char, 256> text{};
  const auto size = read(pipe_ends[0], text.data(), text.size());
  close(pipe_ends[0]);
  ASSERT_GT(size, 0);
  const std::string name{text.data(), static_cast<std::size_t>(size)};
  // The child's end closes the pipe. The child stays a zombie until it is reaped.
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(is_process_alive(name)) << "a zombie";
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(is_process_alive(name));
}

TEST_F(FakeProc, ACommandsNameMayContainAnything) {
  put("sys/kernel/random/boot_id", "b00t\n");
  put("77/stat",
      "77 (a) S 1 (b) R 1 77 77 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 99 100 18446744073\n");
  EXPECT_TRUE(is_process_alive("b00t:77:4711", root_));
  EXPECT_FALSE(is_process_alive("b00t:77:4712", root_));
}

TEST_F(FakeProc, AProcessLivesUntilItsLastThreadEnds) {
  put("sys/kernel/random/boot_id", "b00t\n");
  const auto alive = [&](const std::string& state, int threads) {
    put("77/stat", "77 (a) " + state + " 1 77 77 0 -1 0 1 2 3 4 5 6 7 8 20 0 " +
                       std::to_string(threads) + " 0 4711 99\n");
    return is_process_alive("b00t:77:4711", root_);
  };
  EXPECT_TRUE(alive("Z", 2)) << "its first thread ended, and another runs";
  EXPECT_FALSE(alive("Z", 1));
  EXPECT_FALSE(alive("X", 0));
}

TEST_F(FakeProc, AFileThatOpensAndCannotBeReadIsEmpty) {
  // As if the process ended between the two calls: reading a directory fails, too.
  put("sys/kernel/random/boot_id", "b00t\n");
  fs::create_directories(root_ / "4194999/stat");
  fs::create_directories(root_ / "4194999/cmdline");
  EXPECT_FALSE(is_process_alive("b00t:4194999:4711", root_));
  EXPECT_THAT(saved(), IsEmpty());
}

/// A process in a /proc, and its number in its own PID namespace.
class FakeContainers : public FakeProc {
 protected:
  FakeContainers() { put("sys/kernel/random/boot_id", "b00t\n"); }
  void is_in(const fs::path& process, const std::string& pid_namespace) {
    fs::create_directories(root_ / process / "ns");
    fs::remove(root_ / process / "ns/pid");
    fs::create_symlink("pid:[" + pid_namespace + "]", root_ / process / "ns/pid");
  }
  void add(const std::string& pid, const std::string& inner, const std::string& start_time) {
    put(pid + "/stat", pid + " (memctl) S 1 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 " + start_time);
    put(pid + "/status", "Name:\tmemctl\nPid:\t" + pid + "\nNSpid:\t" + pid + "\t" + inner + "\n");
    is_in(pid, "4026532000");
  }
  const std::string owner_{"b00t:7:4711:4026532000"};
};

TEST_F(FakeContainers, AProcessInAContainerIsSeenFromDom0) {
  is_in("self", "4026531836");
  add("7", "3", "4711");  // the number outside differs from the number in the namespace
  EXPECT_FALSE(is_process_alive(owner_, root_)) << "it has gone";
  add("77", "7", "4712");
  EXPECT_FALSE(is_process_alive(owner_, root_)) << "its number was reused";
  add("78", "7", "4711");
  EXPECT_TRUE(is_process_alive(owner_, root_));
}

TEST_F(FakeContainers, AProcessInAnotherContainerCountsAsAlive) {
  is_in("self", "4026532001");
  EXPECT_TRUE(is_process_alive(owner_, root_));
  EXPECT_TRUE(is_process_alive("b00t:7:4711:4026531836", root_)) << "and so is one outside";
  EXPECT_FALSE(is_process_alive("0ther:7:4711:4026532000", root_)) << "but not since another boot";
}

TEST_F(FakeContainers, AProcessBesideUsIsSeenInAProcThatNumbersUsOtherwise) {
  // As after `unshare --pid --fork`: /proc still belongs to the namespace outside.
  add("4194998", "1", "4711");
  fs::create_directory_symlink("4194998", root_ / "self");
  put("1/stat", "1 (init) S 0 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 5");
  EXPECT_TRUE(is_process_alive("b00t:1:4711:4026532000", root_));
  EXPECT_FALSE(is_process_alive("b00t:1:4712:4026532000", root_)) << "its number was reused";
  EXPECT_FALSE(is_process_alive("b00t:2:4711:4026532000", root_)) << "it would be seen";
}

TEST(SaveHelper, IsKnownByItsCommandLine) {
  EXPECT_EQ(domain_being_saved("/usr/lib/xen-4.17/bin/libxl-save-helper\0--save-domain\0"
                               "21\0-1\0"
                               "7\0"
                               "1\0"
                               "0\0"
                               "0\0"sv),
            DomainId{7});
  EXPECT_EQ(domain_being_saved("libxl-save-helper\0--save-domain\0"
                               "21\0-1\0"
                               "12\0"sv),
            DomainId{12});
}

TEST(SaveHelper, IsNotTakenFromOtherCommandLines) {
  for (const auto line : {""sv, "\0"sv, "libxl-save-helper\0"sv,
                          "libxl-save-helper\0--restore-domain\0"
                          "21\0-1\0"
                          "7\0"
                          "1\0"sv,
                          "libxl-save-helper\0--save-domain\0"
                          "7\0"sv,
                          "libxl-save-helper\0--save-domain\0"
                          "21\0-1\0seven\0"sv,
                          "grep\0--save-domain\0"
                          "21\0-1\0"
                          "7\0"sv,
                          "libxl-save-helper\0--save-domain\0"
                          "7\0"
                          "7\0"
                          "77\0"sv}) {
    EXPECT_NE(domain_being_saved(line), DomainId{7}) << line;
  }
}

/// The command line of a helper that saves domain 7.
constexpr auto saves_seven =
    "/x/libxl-save-helper\0--save-domain\0"
    "21\0-1\0"
    "7\0"
    "1\0"
    "0\0"
    "0\0"sv;

TEST_F(FakeProc, TellsWhichDomainsAreBeingSaved) {
  put("1/cmdline", "/sbin/init\0"sv);
  put("2/cmdline", "");
  EXPECT_THAT(saved(), IsEmpty());
  put_helper("300", saves_seven);
  EXPECT_THAT(saved(), ElementsAre(DomainId{7}));
  EXPECT_EQ(SaveHelpers{root_ / "nowhere"}.find(TimePoint{}).error().cause,
            Cause::hypervisor_error);
}

TEST_F(FakeProc, OnlyAProcessOfRootsSavesADomain) {
  put_helper("300", saves_seven);
  for (const auto status :
       {"", "Name:\tx\nUid:\t65534\t65534\t65534\t65534\n", "Name:\tx\nUid:\t65534\t0\t0\t0\n",
        "Name:\tUid:\t0\t0\t0\t0\nUid:\t1\t1\t1\t1\n", "Name:\tx\nUid:\t0\t0\t0\n",
        "Name:\tx\nUid:"}) {
    put("300/status", status);
    EXPECT_THAT(saved(), IsEmpty()) << status;
  }
  put_helper("300", saves_seven);
  EXPECT_THAT(saved(), ElementsAre(DomainId{7}));
  EXPECT_THAT((SaveHelpers{root_, geteuid() + 1}.find(TimePoint{}).value()), IsEmpty())
      << "its directory belongs to somebody else";
  put_helper("300", std::string{saves_seven} + std::string(1 << 20, 'x'));
  EXPECT_THAT(saved(), IsEmpty()) << "no save helper has so long a line";
  put_helper("300", saves_seven);
  put("300/comm", "sleep\n");
  EXPECT_THAT(saved(), IsEmpty()) << "a program that only bears the helper's arguments";
}

/// What the kernel counts of this thread's reads.
struct Reads {
  std::uint64_t bytes{};
  std::uint64_t calls{};
};
std::optional<Reads> reads_so_far() {
  std::ifstream io{"/proc/thread-self/io"};
  Reads reads;
  std::string name;
  std::string calls;
  std::uint64_t written = 0;
  if (!(io >> name >> reads.bytes >> calls >> written >> calls >> reads.calls)) return {};
  return reads;
}
template <class Work>
Reads reads_of(Work work) {
  const auto before = reads_so_far();
  work();
  const auto after = reads_so_far();
  if (!before || !after) return {};
  return {after->bytes - before->bytes, after->calls - before->calls};
}

class ManyProcesses : public FakeProc {
 protected:
  ManyProcesses() {
    for (int pid = first; pid < first + count; ++pid) {
      put_helper(std::to_string(pid), "libxl-save-helper\0--save-domain\0"s + large);
      put(std::to_string(pid) + "/status", large);
      put(std::to_string(pid) + "/stat", large);
    }
    put_helper("300", saves_seven);
  }
  void SetUp() override {
    if (!reads_so_far()) GTEST_SKIP() << "this kernel does not count what a thread reads";
  }
  static constexpr int first = 5'000'000;  // beyond any process of Linux
  static constexpr int count = 50;
  const std::string large = std::string(100'000, 'x');
};

TEST_F(ManyProcesses, OfOtherUsersAreNotReadAtAll) {
  const Reads nothing = reads_of([] {});
  const Reads look = reads_of([&] {
    EXPECT_THAT((SaveHelpers{root_, geteuid() + 1}.find({}).value()), IsEmpty());
  });
  EXPECT_EQ(look.calls, nothing.calls);
  const Reads managers =
      reads_of([&] { EXPECT_THAT(*running_memory_managers(root_, geteuid() + 1), IsEmpty()); });
  EXPECT_EQ(managers.calls, nothing.calls);
}

TEST_F(ManyProcesses, OfRootsAreReadForAFewHundredBytesEach) {
  const Reads look = reads_of([&] { EXPECT_THAT(saved(), ElementsAre(DomainId{7})); });
  EXPECT_LT(look.bytes, 700U * count);
  put("sys/kernel/random/boot_id", "b00t\n");
  const Reads owner = reads_of([&] { EXPECT_FALSE(is_process_alive("b00t:5000000:4711", root_)); });
  EXPECT_LT(owner.bytes, 4000U);
}

TEST_F(ManyProcesses, AreLookedAtOnceForAllThatAskAtThatTime) {
  SaveHelpers helpers{root_, geteuid()};
  Saves saves{[&](TimePoint now) { return helpers.find(now); }};
  const TimePoint begin{1h};
  EXPECT_EQ(saves.include(DomainId{7}, TimePoint{}), std::nullopt) << "nobody has looked yet";
  ASSERT_TRUE(saves.look(begin));
  const Reads nothing = reads_of([] {});
  const Reads questions = reads_of([&] {
    for (std::uint32_t id = 0; id < 100; ++id) {
      EXPECT_EQ(saves.include(DomainId{id}, begin - 1ms), id == 7);
    }
  });
  EXPECT_EQ(questions.calls, nothing.calls);
  EXPECT_EQ(saves.include(DomainId{7}, begin), std::nullopt)
      << "it begins at the question or later";
  fs::remove_all(root_);
  EXPECT_FALSE(saves.look(begin + 1s));
  EXPECT_EQ(saves.include(DomainId{7}, begin - 1ms), std::nullopt) << "the last look failed";
}

class ProcessesOfTheHost : public FakeProc {
 protected:
  /// A process of root's that is no save helper.
  void put_other(int pid, std::chrono::seconds age) {
    std::timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    const auto start = (now.tv_sec - age.count()) * sysconf(_SC_CLK_TCK);
    put(std::to_string(pid) + "/comm", "xl\n");
    put(std::to_string(pid) + "/stat", std::to_string(pid) +
                                           " (xl) S 1 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 " +
                                           std::to_string(start));
  }
  [[nodiscard]] std::vector<DomainId> find(TimePoint now) { return helpers_.find(now).value(); }
  SaveHelpers helpers_{root_, geteuid()};
};

TEST_F(ProcessesOfTheHost, AreNotReadAgainOnceTheyHaveStayedOthersForAWhile) {
  if (!reads_so_far()) GTEST_SKIP() << "this kernel does not count what a thread reads";
  for (int pid = 5'000'000; pid < 5'000'100; ++pid) put_other(pid, 1h);
  const Reads nothing = reads_of([] {});
  const TimePoint begin{1h};
  EXPECT_THAT(find(begin), IsEmpty());
  const Reads again = reads_of([&] { EXPECT_THAT(find(begin + 70ms), IsEmpty()); });
  EXPECT_EQ(again.calls, nothing.calls);
  put_helper("300", saves_seven);
  EXPECT_THAT(find(begin + 140ms), ElementsAre(DomainId{7})) << "a new one is read";
  fs::remove_all(root_ / "300");
  EXPECT_THAT(find(begin + 210ms), IsEmpty());
  const Reads much_later = reads_of([&] { EXPECT_THAT(find(begin + 1s), IsEmpty()); });
  EXPECT_GT(much_later.calls, nothing.calls + 100) << "by then the numbers may be others'";
}

TEST_F(ProcessesOfTheHost, MayBecomeAHelperWhileTheyAreYoung) {
  put_other(300, 1s);
  put_other(301, 1h);
  const TimePoint begin{1h};
  EXPECT_THAT(find(begin), IsEmpty());
  put_helper("300", saves_seven);
  EXPECT_THAT(find(begin + 70ms), ElementsAre(DomainId{7}));
  EXPECT_THAT(find(begin + 140ms), ElementsAre(DomainId{7}));
}

TEST_F(ProcessesOfTheHost, ThatAreNewUnderAnOldNumberAreRead) {
  put_other(300, 1h);
  const TimePoint begin{1h};
  EXPECT_THAT(find(begin), IsEmpty());
  fs::remove_all(root_ / "300");
  EXPECT_THAT(find(begin + 70ms), IsEmpty());
  put_helper("300", saves_seven);
  EXPECT_THAT(find(begin + 140ms), ElementsAre(DomainId{7}));
}

TEST_F(FakeProc, NamesTheProgramsOfRootsThatResizeDomains) {
  const auto runs = [&](const std::string& pid, const std::string& name, const std::string& user,
                        char state = 'S') {
    put(pid + "/comm", name + "\n");
    put(pid + "/status",
        "Name:\t" + name + "\nUid:\t" + user + "\t" + user + "\t" + user + "\t" + user + "\n");
    put(pid + "/stat",
        pid + " (" + name + ") " + state + " 1 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 5");
  };
  const auto found = [&] { return running_memory_managers(root_, geteuid()); };
  using Names = std::vector<std::string>;
  runs("1", "systemd", "0");
  runs("200", "squeezed", "65534");
  runs("201", "qmemmand-not", "0");
  runs("202", "squeezed", "0", 'Z');
  EXPECT_EQ(found(), Names{});
  runs("300", "squeezed", "0");
  runs("301", "squeezed", "0");
  EXPECT_EQ(found(), Names{"squeezed"});
  runs("302", "qmemmand", "0");
  EXPECT_EQ(found(), (Names{"qmemman", "squeezed"}));
  put("303/comm", std::string(1 << 20, 'q'));
  put("304/comm", "squeezed");
  EXPECT_EQ(found(), (Names{"qmemman", "squeezed"}));
  EXPECT_EQ(running_memory_managers(root_ / "nowhere"), std::nullopt);
}

}  // namespace
}  // namespace memctl::host::xen
