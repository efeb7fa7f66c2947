// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The parts of the real host that need no Xen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <fstream>
#include <stdexcept>

#include "fake_proc.hpp"
#include "host/xen/clock.hpp"
#include "host/xen/connection.hpp"
#include "host/xen/control.hpp"
#include "host/xen/errors.hpp"
#include "host/xen/host_settings.hpp"
#include "host/xen/log_capture.hpp"
#include "host/xen/numa.hpp"
#include "host/xen/store_handle.hpp"
#include "host/xen/watch_state.hpp"
#include "host/xen/workers.hpp"

namespace memctl::host::xen {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// ---- How the host is set up

TEST_F(FakeProc, XenstoreIsTheProgramOfRootsThatItsFileNames) {
  // root_ stands for /proc in this file, and here for /.
  const auto runs = [&](const std::string& pid, const std::string& name, const std::string& user) {
    put("proc/" + pid + "/comm", name + "\n");
    put("proc/" + pid + "/status",
        "Name:\t" + name + "\nUid:\t" + user + "\t" + user + "\t" + user + "\t" + user + "\n");
  };
  const auto found = [&] { return store_process(root_); };
  EXPECT_EQ(found(), std::nullopt);
  runs("100", "oxenstored", "0");
  EXPECT_EQ(found(), std::nullopt) << "a process that no file names";
  put("run/xen/xenstored.pid", "100\n");
  EXPECT_EQ(found(), StoreProgram::oxenstored);
  runs("101", "xenstored", "0");
  put("run/xenstore.pid", "101");
  EXPECT_EQ(found(), StoreProgram::xenstored);
  runs("101", "xenstored", "1000");
  EXPECT_EQ(found(), StoreProgram::oxenstored) << "the number belongs to another user by now";
  runs("101", "sleep", "0");
  put("run/xen/xenstored.pid", "../101");
  EXPECT_EQ(found(), std::nullopt);
}

TEST(LowMemory, IsAQuarterOfTheFirstNodeUpTo4GiBUnlessTheCommandLineSaysOtherwise) {
  constexpr std::uint64_t gib = std::uint64_t{1} << 30;
  EXPECT_EQ(low_memory_bits("", 3 * gib), 30);   // up to 1 GiB: 768 MiB need so many bits
  EXPECT_EQ(low_memory_bits("", 4 * gib), 30);   // just 1 GiB
  EXPECT_EQ(low_memory_bits("", 64 * gib), 32);  // 16 GiB would need 34
  EXPECT_EQ(low_memory_bits("", 0), 0);
  EXPECT_EQ(low_memory_bits("dom0_mem=1G dma_bits=28 loglvl=all", 64 * gib), 28);
  EXPECT_EQ(low_memory_bits("dma_bits=28 dma_bits=0x1f", 64 * gib), 31);
  EXPECT_EQ(low_memory_bits("dma_bits=0", 4 * gib), 30);
  EXPECT_EQ(low_memory_bits("dma_bits=60", 4 * gib), 0);
  EXPECT_EQ(low_memory_bits("xdma_bits=28 dma_bits=x", 4 * gib), 30);
}

TEST(Autoballoon, IsWhatXlTakesFromItsFile) {
  EXPECT_EQ(autoballoon_in(""), Autoballoon::automatic);
  EXPECT_EQ(autoballoon_in("#autoballoon=\"off\"\nvif.default.script=\"x\"\n"),
            Autoballoon::automatic);
  EXPECT_EQ(autoballoon_in("autoballoon=0"), Autoballoon::off);
  EXPECT_EQ(autoballoon_in("autoballoon = \"off\" # why\n"), Autoballoon::off);
  EXPECT_EQ(autoballoon_in("autoballoon='on';\n"), Autoballoon::on);
  EXPECT_EQ(autoballoon_in("autoballoon=0\n autoballoon=1\n"), Autoballoon::on);
  EXPECT_EQ(autoballoon_in("autoballoon=\"auto\""), Autoballoon::automatic);
  EXPECT_EQ(autoballoon_in("autoballoon=\"perhaps\""), std::nullopt);
  EXPECT_EQ(autoballoon_in("autoballoon="), std::nullopt);
}

TEST_F(FakeProc, AFileThatIsNotThereSetsNoAutoballoon) {
  EXPECT_EQ(read_autoballoon(root_ / "xl.conf"), Autoballoon::automatic);
  put("xl.conf", "autoballoon=0\n");
  EXPECT_EQ(read_autoballoon(root_ / "xl.conf"), Autoballoon::off);
  EXPECT_EQ(read_autoballoon(root_), std::nullopt);
}

TEST(Dom0Memory, IsFixedByXensCommandLine) {
  for (const auto* line : {"dom0_mem=1G", "console=com1 dom0_mem=1024M,max:1G com1=115200",
                           "dom0_mem=min:512m,max:2g,1g loglvl=all"}) {
    EXPECT_TRUE(fixes_dom0_memory(line)) << line;
  }
  for (const auto* line : {"", "console=com1", "xdom0_mem=1G", "dom0_mem=", "dom0_mem=much",
                           "dom0_mem=1G,max", "dom0_max_vcpus=1"}) {
    EXPECT_FALSE(fixes_dom0_memory(line)) << line;
  }
}

TEST_F(FakeProc, LibvirtsDomainsAreThoseWhoseStateItKeeps) {
  const auto managed = [&](std::string_view name, std::string_view uuid) {
    return is_managed_by_libvirt(name, uuid, root_);
  };
  put("web1.xml", "<domstatus><domain type='xen'>\n<uuid>1-2</uuid></domain></domstatus>");
  put("db1.xml/inner", "");
  EXPECT_EQ(managed("web1", "1-2"), true);
  EXPECT_EQ(managed("web1", "1-3"), false) << "left by an earlier domain";
  EXPECT_EQ(managed("web2", "1-2"), false);
  EXPECT_EQ(managed("db1", "1-2"), std::nullopt);
  EXPECT_EQ(managed("../web1", "1-2"), false);
  EXPECT_EQ(managed("", "1-2"), false);
}

// ---- Logs and errors

TEST(LogCapture, KeepsLinesFromInformativeOnesUp) {
  LogCapture log;
  errno = EBUSY;
  xtl_log(log.logger(), XTL_DEBUG, -1, "libxl", "not this one");
  xtl_log(log.logger(), XTL_ERROR, ENOENT, "libxl", "no %s\nhere\n", "domain");
  xtl_log(log.logger(), XTL_WARN, -1, nullptr, "plain");
  xtl_progress(log.logger(), "xc", "progress", 1, 2);
  EXPECT_EQ(errno, EBUSY);
  EXPECT_THAT(log.take(), ElementsAre("libxl: no domain here: No such file or directory", "plain"));
  EXPECT_THAT(log.take(), IsEmpty());
}

TEST(LogCapture, IsBounded) {
  LogCapture log;
  for (int i = 0; i < 1000; ++i) {
    xtl_log(log.logger(), XTL_ERROR, -1, "xc", "%s", std::string(4000, 'x').c_str());
  }
  const auto lines = log.take();
  EXPECT_THAT(lines, SizeIs(64));
  EXPECT_LE(lines.back().size(), 512U);
}

TEST(XenErrors, HaveOneCauseEach) {
  EXPECT_EQ(hypercall_failed("x", ESRCH, {}).cause, Cause::no_such_domain);
  EXPECT_EQ(hypercall_failed("x", EPERM, {}).cause, Cause::not_permitted);
  EXPECT_EQ(hypercall_failed("x", EACCES, {}).cause, Cause::not_permitted);
  EXPECT_EQ(hypercall_failed("x", EINVAL, {}).cause, Cause::hypervisor_error);
  EXPECT_EQ(libxl_failed("x", ERROR_DOMAIN_NOTFOUND, {}).cause, Cause::no_such_domain);
  EXPECT_EQ(libxl_failed("x", ERROR_JSON_CONFIG_EMPTY, {}).cause, Cause::xen_unsupported);
  EXPECT_EQ(store_failed("read", "/x", EACCES).cause, Cause::not_permitted);
  EXPECT_EQ(store_failed("read", "/x", EIO).cause, Cause::store_error);

  const auto error = libxl_failed("set the memory limit of domain 3", 1, {"libxl: why", "later"});
  EXPECT_EQ(error.cause, Cause::hypervisor_error);
  EXPECT_EQ(error.raw, 1);
  EXPECT_EQ(error.message, "cannot set the memory limit of domain 3: libxl: why");
  EXPECT_THAT(error.log, ElementsAre("libxl: why", "later"));
  EXPECT_EQ(libxl_failed("x", 1,
                         {"libxl: libxl_mem.c:59:libxl_domain_setmaxmem: Domain 3:it must be more"})
                .message,
            "cannot x: it must be more");
  EXPECT_EQ(libxl_failed("x", -3, {}).message, "cannot x: libxl code -3");
}

// ---- Watches

TEST(WatchState, FoldsEventsToOneFlagThatIsSetAtFirst) {
  Wakeup wakeup;
  WatchState state{"/a", "t", wakeup};
  EXPECT_TRUE(std::exchange(state.changed, false));
  const TimePoint now{1h};
  EXPECT_EQ(state.on_event(now), WatchState::Verdict::go_on);
  EXPECT_EQ(state.on_event(now), WatchState::Verdict::go_on);
  EXPECT_TRUE(state.changed);
}

TEST(WatchState, AFloodEndsAWatch) {
  Wakeup wakeup;
  WatchState busy{"/a", "1", wakeup};
  TimePoint now{1h};
  // As many events as are allowed, for ten seconds.
  for (int second = 0; second < 10; ++second, now += 1s) {
    for (int i = 0; i < WatchState::most_per_second; ++i) (void)busy.on_event(now);
  }
  EXPECT_FALSE(busy.flooded);
  for (int i = 0; i < WatchState::most_per_second; ++i) (void)busy.on_event(now);
  EXPECT_EQ(busy.on_event(now), WatchState::Verdict::flooded);
  EXPECT_TRUE(std::exchange(busy.changed, false)) << "it says so once more";
  EXPECT_EQ(busy.on_event(now), WatchState::Verdict::go_on);
  EXPECT_FALSE(busy.changed);
}

// ---- Figures of Xen

TEST(MemoryOf, ReadsXensFiguresAndFlags) {
  xc_domaininfo_t info{};
  info.tot_pages = 40960;
  info.max_pages = 41216;
  info.outstanding_pages = 5;
  info.flags = XEN_DOMINF_paused | XEN_DOMINF_shutdown |
               (std::uint32_t{SHUTDOWN_crash} << XEN_DOMINF_shutdownshift);
  const auto memory = memory_of(info);
  EXPECT_EQ(memory.allocated, Pages{40960});
  EXPECT_EQ(memory.max_pages, 161_MiB);
  EXPECT_EQ(memory.claim, Pages{5});
  EXPECT_TRUE(memory.paused);
  EXPECT_FALSE(memory.dying);
  EXPECT_EQ(memory.shutdown, ShutdownReason::crash);
}

TEST(MemoryOf, TakesNoLimitForAVeryLargeOne) {
  xc_domaininfo_t info{};
  info.max_pages = ~std::uint64_t{0};
  EXPECT_EQ(memory_of(info).max_pages, Kib{std::int64_t{1} << 60});
  info.max_pages = 0xffffffff;  // Xen 4.17 says "no limit" like this.
  EXPECT_EQ(memory_of(info).max_pages, Kib{4 * std::int64_t{0xffffffff}});
}

// ---- Connecting

TEST(Connect, SaysThatThereIsNoXenAndPrintsNothing) {
  if (fs::exists("/dev/xen/privcmd") || fs::exists("/proc/xen/privcmd")) {
    GTEST_SKIP() << "this is a Xen host";
  }
  asio::io_context context;
  testing::internal::CaptureStderr();
  const auto connection = connect(context);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().cause, Cause::no_xen);
  EXPECT_THAT(connection.error().message, HasSubstr("/dev/xen/privcmd"));
}

TEST(Connect, TellsAMissingInterfaceFromAForbiddenOne) {
  EXPECT_EQ(require_control_interface({"/nonexistent/a", "/nonexistent/b"}).error().cause,
            Cause::no_xen);
  EXPECT_TRUE(require_control_interface({"/nonexistent/a", "/dev/null"}));
  if (geteuid() == 0) GTEST_SKIP() << "root may open everything";
  const std::string file = testing::TempDir() + "memctl-forbidden-" + std::to_string(getpid());
  std::ofstream{file}.close();
  fs::permissions(file, fs::perms::none);
  EXPECT_EQ(require_control_interface({file}).error().cause, Cause::not_permitted);
  fs::remove(file);
}

}  // namespace
}  // namespace memctl::host::xen
