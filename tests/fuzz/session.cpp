// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A hostile guest while it is resized or asked. Root in it writes whatever it likes into its part
// of xenstore, at times that it chooses, beside its agent or in its place; it steers its balloon,
// takes memory and dies. Whatever is asked ends with a value, in time, and only the guest has the
// damage.
#include <array>
#include <string>
#include <vector>

#include "agent_words.hpp"
#include "bytes.hpp"
#include "memctl/size.hpp"
#include "require.hpp"
#include "resize/doctor.hpp"
#include "resize/headway.hpp"
#include "resize/inquiry.hpp"
#include "resize/journal.hpp"
#include "resize/operation.hpp"
#include "support/simulation.hpp"

namespace memctl::fuzz {
namespace {

using host::sim::AgentConduct;
using host::sim::Guest;
using host::sim::World;
using namespace std::chrono_literals;

/// Root in a guest, who follows the bytes, and begins again at their end.
class HostileRoot {
 public:
  HostileRoot(World& world, DomainId id, std::string script)
      : world_{world}, id_{id}, script_{std::move(script)}, bytes_{script_} {
    if (!script_.empty()) wait();
  }

 private:
  static constexpr int most_acts = 3000;

  void wait() {
    constexpr std::array<host::Duration, 8> times{1ms, 3ms, 10ms, 40ms, 100ms, 300ms, 1s, 5s};
    world_.after(times.at(bytes_.below(times.size())), [this] {
      if (acts_++ == most_acts || world_.xen().find(id_) == nullptr) return;
      act();
      if (bytes_.empty()) bytes_ = Bytes{script_};
      wait();
    });
  }

  void put(const std::string& node, const std::string& value) {
    static_cast<void>(world_.store().write(id_, home_ + node, value));
  }
  [[nodiscard]] AgentRequest request() const {
    const auto value = world_.store().read(id_, home_ + "control/memctl/request");
    if (!value || !value.value()) return {};
    return guest::decode_request(*value.value()).value_or(AgentRequest{});
  }

  void act() {
    Guest& guest = world_.guest(id_);
    switch (bytes_.below(12)) {
      case 0:
      case 1:
      case 2:
        return put("data/memctl/report", guest::encode(report_of(bytes_, request())));
      case 3:
        return put("data/memctl/hello", guest::encode(hello_of(bytes_)));
      case 4:
        return put(bytes_.flag() ? "data/memctl/hello" : "data/memctl/report",
                   bytes_.text(bytes_.below(2048)));
      case 5:
        static_cast<void>(world_.store().remove(id_, home_ + "data/memctl"));
        return;
      case 6:
        return put("data/" + std::to_string(bytes_.below(1024)), bytes_.short_text());
      case 7:
        return put("control/feature-poweroff", bytes_.flag() ? "1" : bytes_.short_text());
      case 8:
        return guest.kernel().set_balloon_target(bytes_.size(16_GiB));
      case 9:
        return guest.kernel().hold(bytes_.flag() ? bytes_.size(1_GiB) : -bytes_.size(1_GiB));
      case 10:
        return guest.kernel().set_online_policy(bytes_.flag() ? "online_movable" : "offline");
      default:
        if (bytes_.below(16) == 1) world_.shut_down(id_, bytes_.one_of(ShutdownReason::other));
    }
  }

  World& world_;
  DomainId id_;
  std::string home_{"/local/domain/" + std::to_string(number(id_)) + "/"};
  std::string script_;
  Bytes bytes_;
  int acts_{0};
};

struct Limits {
  Kib allocated{};
  Kib max_pages{};
  std::optional<Kib> target{};
  std::optional<Kib> limit{};
  friend bool operator==(const Limits&, const Limits&) = default;
};

class Host {
 public:
  explicit Host(Bytes& bytes) {
    good_ = world_.add_guest({.name = "good", .memory = 512_MiB});
    constexpr std::array conducts{AgentConduct::normal, AgentConduct::absent,
                                  AgentConduct::killed, AgentConduct::lying,
                                  AgentConduct::stale,  AgentConduct::fleeting};
    host::sim::GuestSpec spec{
        .name = "hostile",
        .type = bytes.one_of(DomainType::hvm),
        .memory = 128_MiB + 64_MiB * static_cast<std::int64_t>(bytes.below(16))};
    if (bytes.below(4) == 1) spec.maxmem = spec.memory + 512_MiB;
    spec.freeze_pool = bytes.flag();
    spec.linux.reclaimable = bytes.flag() ? 32_MiB : Kib{};
    spec.agent.conduct = conducts.at(bytes.below(conducts.size()));
    hostile_ = world_.add_guest(spec);
    world_.advance(2s);
  }

  void ask(Bytes& bytes) {
    const auto asked = bytes.below(8);
    ResizeOptions options{.stall = 2s};
    options.online = bytes.one_of(OnlineZone::movable);
    options.on_failure = bytes.one_of(OnFailure::keep);
    options.agentless = bytes.below(8) == 1;
    options.allow_hvm_devices = bytes.flag();
    if (bytes.below(8) == 1) options.timeout = 10s;
    const Kib size = 4_KiB + bytes.size(16_GiB);
    HostileRoot root{world_, hostile_, bytes.rest()};

    const Limits good = limits(good_);
    const Kib available = world_.host_free() - world_.host_claimed();
    const auto began = simulation_.now();
    const auto identity = world_.toolstack().find(hostile_)->identity;
    const auto question = resize::question_of(options);
    host::Duration longest = 60s;
    bool left = false;
    if (asked == 0) {
      const auto status =
          simulation_.run(resize::status_of(simulation_.port(), identity, question));
      if (!status) require_sound(status.error());
    } else if (asked == 1) {
      const auto found =
          simulation_.run(resize::examine_domain(simulation_.port(), identity, question));
      if (!found) require_sound(found.error());
      if (found) check(found.value());
    } else if (asked == 2) {
      const auto plan =
          simulation_.run(resize::plan_only(simulation_.port(), identity, size, question));
      if (!plan) require_sound(plan.error());
    } else {
      const Kib way = std::max(size, world_.allocated(hostile_));
      longest =
          2 * std::chrono::duration_cast<host::Duration>(resize::longest_time(way, options.stall)) +
          60s;
      resize::ResizeOperation operation{simulation_.port(), identity, size, options};
      const auto ended = simulation_.run(operation.run());
      if (!ended) require_sound(ended.error());
      require(ended || ended.error().report, "a resize that fails has a report");
      left = !ended && ended.error().report->outcome == Outcome::failed;
    }
    require(simulation_.now() - began <= longest, "it ends in time",
            std::to_string((simulation_.now() - began) / 1s) + " s");
    require(world_.xen().consistent(), "the host's accounts add up");
    require(!left, "nothing is left of it");
    require(world_.host_claimed() == Kib{}, "no claim is left");
    const Kib rest = world_.host_free() - world_.host_claimed();
    require(rest >= std::min(available, options.host_reserve), "the host keeps its reserve",
            to_string(rest));
    require(limits(good_) == good && world_.guest(good_).alive(), "no other guest takes harm");
    if (world_.xen().find(hostile_) == nullptr) return;
    resize::Journal journal{simulation_.port().store(), identity};
    const auto record = journal.read();
    require(record && !record.value(), "no record is left");
  }

 private:
  Limits limits(DomainId id) {
    return {world_.allocated(id), world_.max_pages(id), world_.target(id), world_.limit(id)};
  }
  static void check(const std::vector<Finding>& findings) {
    for (const Finding& finding : findings) {
      require(is_one_line(finding.message), "a finding is one line", finding.message);
      require(is_one_line(finding.remedy), "a remedy is one line", finding.remedy);
    }
  }

  test::Simulation simulation_{{.host = 4_GiB}};
  World& world_{simulation_.world};
  DomainId good_{};
  DomainId hostile_{};
};

}  // namespace
}  // namespace memctl::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  memctl::fuzz::Bytes bytes{data, size};
  memctl::fuzz::Host host{bytes};
  host.ask(bytes);
  return 0;
}
