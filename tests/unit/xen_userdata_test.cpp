// SPDX-License-Identifier: LGPL-2.1-or-later
//
// libxl's files about a domain, and libxl's lock of them, in a directory of the test's own.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "host/xen/userdata.hpp"

namespace memctl::host::xen {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class UserdataTest : public testing::Test {
 protected:
  UserdataTest() {
    fs::remove_all(directory_);
    fs::create_directory(directory_);
  }
  ~UserdataTest() override { fs::remove_all(directory_); }
  UserdataTest(const UserdataTest&) = delete;
  UserdataTest& operator=(const UserdataTest&) = delete;

  [[nodiscard]] fs::path file(const std::string& kind, const std::string& userid) const {
    return directory_ / ("userdata-" + kind + ".7.1-2." + userid);
  }
  [[nodiscard]] fs::path lock_file() const { return file("l", "domain-userdata-lock"); }
  /// Takes the lock as another process does: an open file of its own.
  [[nodiscard]] int lock_as_another() const {
    const int fd = ::open(lock_file().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    EXPECT_EQ(::flock(fd, LOCK_EX | LOCK_NB), 0);
    return fd;
  }
  [[nodiscard]] bool is_free() const {
    const int fd = ::open(lock_file().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    const bool taken = ::flock(fd, LOCK_EX | LOCK_NB) == 0;
    ::close(fd);
    return taken;
  }

  fs::path directory_{fs::path{testing::TempDir()} /
                      ("memctl-userdata-" + std::to_string(getpid()))};
  Userdata files_{DomainId{7}, "1-2", directory_};
};

TEST_F(UserdataTest, LockIsHeldUntilItsEndAndLeavesNoFile) {
  {
    const auto lock = files_.lock(0ms);
    ASSERT_TRUE(lock) << lock.error().message;
    EXPECT_FALSE(is_free());
  }
  EXPECT_FALSE(fs::exists(lock_file()));
  EXPECT_TRUE(is_free());
}

TEST_F(UserdataTest, LockThatAnotherHoldsIsNotWaitedForEver) {
  const int held = lock_as_another();
  const auto begun = std::chrono::steady_clock::now();
  const auto lock = files_.lock(50ms);
  ASSERT_FALSE(lock);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 50ms);
  EXPECT_EQ(lock.error().cause, Cause::stalled);
  EXPECT_NE(lock.error().hint.find("fuser -v " + lock_file().native()), std::string::npos);
  EXPECT_TRUE(fs::exists(lock_file())) << "the holder's file stays";
  ::close(held);
}

/// Whoever gives the lock up removes its file first. Its waiters get a lock on nothing, and begin
/// again with the new file.
TEST_F(UserdataTest, LockIsTakenOnTheFileThatStandsThere) {
  const int held = lock_as_another();
  std::thread holder{[&] {
    std::this_thread::sleep_for(50ms);
    ::unlink(lock_file().c_str());
    ::close(held);
  }};
  {
    const auto lock = files_.lock(10s);
    holder.join();
    ASSERT_TRUE(lock) << lock.error().message;
    EXPECT_TRUE(fs::exists(lock_file()));
    EXPECT_FALSE(is_free());
  }
  EXPECT_FALSE(fs::exists(lock_file()));
}

TEST_F(UserdataTest, LocksOfManyThreadsExcludeEachOther) {
  int count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 50; ++turn) {
        const auto lock = files_.lock(60s);
        ASSERT_TRUE(lock) << lock.error().message;
        const int seen = count;
        std::this_thread::yield();
        count = seen + 1;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(count, 200);
}

TEST_F(UserdataTest, WhatIsStoredIsReplacedWithItsFinalNulByAFileOfRoots) {
  EXPECT_EQ(files_.read("libxl-json").value(), std::nullopt);
  EXPECT_EQ(files_.has("libxl-json"), false);
  std::ofstream{file("d", "libxl-json")} << "an earlier one, which is longer";
  const std::string text{"{}\0", 3};
  ASSERT_TRUE(files_.replace("libxl-json", text));
  EXPECT_EQ(files_.read("libxl-json").value(), text);
  EXPECT_EQ(files_.has("libxl-json"), true);
  struct stat status {};
  ASSERT_EQ(::stat(file("d", "libxl-json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_FALSE(fs::exists(file("n", "libxl-json")));
}

TEST_F(UserdataTest, WhatCannotBeReplacedStays) {
  fs::create_directory(file("d", "libxl-json"));
  std::ofstream{file("d", "libxl-json") / "inside"} << "x";
  const auto refused = files_.replace("libxl-json", "new");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Cause::hypervisor_error);
  EXPECT_TRUE(fs::exists(file("d", "libxl-json") / "inside"));
  EXPECT_FALSE(fs::exists(file("n", "libxl-json")));
}

TEST_F(UserdataTest, FilesOfADomainThatHadTheNumberBeforeAreOthers) {
  ASSERT_TRUE(files_.replace("libvirt-xml", "<domain/>"));
  const Userdata later{DomainId{7}, "1-3", directory_};
  EXPECT_EQ(later.has("libvirt-xml"), false);
  EXPECT_FALSE(later == files_);
}

}  // namespace
}  // namespace memctl::host::xen
