// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Guests that come, go and change.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "memctl/host.hpp"
#include "simulated_host.hpp"

namespace memctl {
namespace {

/// What a watch told, as "appeared web1".
class Told {
 public:
  void add(const DomainChange& change) {
    const std::lock_guard lock{mutex_};
    all_.push_back(std::string{name(change.change)} + " " + change.domain.name);
    added_.notify_all();
  }
  /// The first `count` of them, or all that were told within a minute.
  std::vector<std::string> first(std::size_t count) {
    std::unique_lock lock{mutex_};
    added_.wait_for(lock, std::chrono::minutes{1}, [&] { return all_.size() >= count; });
    return {all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(std::min(count, all_.size()))};
  }
  std::size_t count() {
    const std::lock_guard lock{mutex_};
    return all_.size();
  }

 private:
  std::mutex mutex_{};
  std::condition_variable added_{};
  std::vector<std::string> all_{};
};

using Texts = std::vector<std::string>;

TEST_F(SimulatedHost, AWatchTellsOfGuestsThatAppearChangeAndEnd) {
  write_text(R"({"pace": 100, "guests": [{"name": "a"}, {"name": "b"}], "actions": [
    {"at": 10, "do": "mem-set", "guest": "a", "size": "150MiB"},
    {"at": 20, "do": "destroy", "guest": "b"},
    {"at": 30, "do": "reboot", "guest": "a"}]})");
  Told told;
  const Host host = Host::open(uri()).value();
  const auto watch = host.watch([&](const DomainChange& change) { told.add(change); });
  ASSERT_TRUE(watch);
  EXPECT_EQ(told.first(6),
            (Texts{"appeared a", "appeared b", "changed a", "ended b", "ended a", "appeared a"}));
}

TEST_F(SimulatedHost, AWatchTellsOfAResizeOfThisProgramToo) {
  Told told;
  const Host host = Host::open(uri()).value();
  const auto watch = host.watch([&](const DomainChange& change) { told.add(change); });
  EXPECT_EQ(told.first(domain_count).back(), "appeared g7");
  EXPECT_TRUE(host.domain("g0").value().resize(512_MiB).wait());
  EXPECT_EQ(told.first(domain_count + 1).back(), "changed g0");
}

TEST_F(SimulatedHost, AWatchEndsWithItsLastHandleAndHarmsNothing) {
  Told told;
  std::optional<Host> host = Host::open(uri()).value();
  std::optional<DomainWatch> watch = host->watch([&](const DomainChange& change) {
                                           told.add(change);
                                           throw std::runtime_error{"nobody listens to this"};
                                         })
                                         .value();
  EXPECT_EQ(told.first(domain_count).size(), domain_count);
  watch.reset();
  EXPECT_TRUE(host->domain("g0").value().resize(512_MiB).wait());
  EXPECT_EQ(told.count(), domain_count);
  // A watch keeps the host, and ends it if it is dropped last.
  watch = host->watch([](const DomainChange&) {}).value();
  host.reset();
  watch.reset();
}

}  // namespace
}  // namespace memctl
