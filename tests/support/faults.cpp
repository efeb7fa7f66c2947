// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/faults.hpp"

#include <chrono>
#include <memory>
#include <utility>

namespace memctl::test {

using host::Clock;
using host::Hypervisor;
using host::Permission;
using host::Port;
using host::Store;
using host::StoreView;
using host::Task;
using host::TimePoint;
using host::Wakeup;
using host::Watch;
using host::sim::World;

/// The decorated parts share this.
class FaultyCalls {
 public:
  FaultyCalls(Port& port, World& world, FaultPlan& plan)
      : port_{port}, world_{world}, plan_{plan} {}

  [[nodiscard]] Port& port() const { return port_; }
  [[nodiscard]] bool killed() const { return plan_.killed_; }
  [[nodiscard]] WatchConduct watch(const std::string& path) const {
    const bool meant = path.find(plan_.watches_on_) != std::string::npos;
    return meant ? plan_.watches_ : WatchConduct::prompt;
  }
  [[nodiscard]] World& world() const { return world_; }
  void note_event() { ++plan_.events_; }
  void note_wakeup() { ++plan_.wakeups_; }

  /// Makes a call that does not wait.
  template <class T, class Call>
  Result<T> through(const std::string& name, Call call) {
    std::optional<Fault::Kind> later;
    if (auto error = before(name, later)) return std::move(*error);
    Result<T> result = call();
    if (auto error = after(later)) return std::move(*error);
    return result;
  }
  /// Makes a call that may wait. `name` and `call` live in this coroutine.
  template <class T, class Call>
  Task<T> through_task(std::string name, Call call) {
    std::optional<Fault::Kind> later;
    if (auto error = before(name, later)) co_return std::move(*error);
    Result<T> result = co_await call();
    if (auto error = after(later)) co_return std::move(*error);
    co_return result;
  }

 private:
  /// The error to return at once. `later`: the fault to apply after the call.
  std::optional<Error> before(const std::string& name, std::optional<Fault::Kind>& later) {
    if (plan_.killed_) return dead();
    plan_.calls_.push_back(name);
    plan_.times_.push_back(world_.clock().now());
    if (plan_.time_of_each_call_ > host::Duration{}) world_.advance(plan_.time_of_each_call_);
    const auto& fault = plan_.fault_;
    if (!fault || plan_.happened_) return std::nullopt;
    if (!fault->call.empty() && fault->call != name) return std::nullopt;
    if (++plan_.matching_ != fault->nth) return std::nullopt;
    plan_.happened_ = true;
    if (fault->kind == Fault::Kind::kill_before) kill();
    if (fault->kind == Fault::Kind::fail_before) return fault->error;
    if (fault->kind == Fault::Kind::meanwhile) fault->act(world_);
    later = fault->kind;
    return std::nullopt;
  }

  std::optional<Error> after(std::optional<Fault::Kind> due) {
    if (plan_.killed_) return dead();
    if (due == Fault::Kind::kill_after) kill();
    if (due == Fault::Kind::fail_after) return plan_.fault_->error;
    return std::nullopt;
  }

  [[noreturn]] void kill() {
    plan_.killed_ = true;
    world_.end_process(port_.self());
    throw ProcessKilled{};
  }

  static Error dead() {
    return {.cause = Cause::hypervisor_error, .message = "the process was killed"};
  }

  Port& port_;
  World& world_;
  FaultPlan& plan_;
};

namespace {

class FaultyHypervisor final : public Hypervisor {
 public:
  explicit FaultyHypervisor(FaultyCalls& calls)
      : calls_{calls}, inner_{calls.port().hypervisor()} {}

  Result<HostFacts> host_facts() override {
    return calls_.through<HostFacts>("host_facts", [&] { return inner_.host_facts(); });
  }
  Result<HostSettings> host_settings() override {
    return calls_.through<HostSettings>("host_settings", [&] { return inner_.host_settings(); });
  }
  Task<std::vector<DomainIdentity>> domains() override {
    return calls_.through_task<std::vector<DomainIdentity>>("domains",
                                                            [this] { return inner_.domains(); });
  }
  Task<DomainFacts> domain_facts(DomainId domain) override {
    return calls_.through_task<DomainFacts>("domain_facts",
                                            [this, domain] { return inner_.domain_facts(domain); });
  }
  Result<std::string> uuid(DomainId domain) override {
    return calls_.through<std::string>("uuid", [&] { return inner_.uuid(domain); });
  }
  Result<DomainMemory> domain_memory(DomainId domain) override {
    return calls_.through<DomainMemory>("domain_memory",
                                        [&] { return inner_.domain_memory(domain); });
  }
  Task<void> set_limit(DomainId domain, Kib limit) override {
    return calls_.through_task<void>(
        "set_limit", [this, domain, limit] { return inner_.set_limit(domain, limit); });
  }
  Task<void> set_size(DomainId domain, Kib size) override {
    return calls_.through_task<void>(
        "set_size", [this, domain, size] { return inner_.set_size(domain, size); });
  }
  Result<void> set_max_pages(DomainId domain, Kib max) override {
    return calls_.through<void>("set_max_pages", [&] { return inner_.set_max_pages(domain, max); });
  }
  Result<void> claim(DomainId domain, Pages total) override {
    return calls_.through<void>("claim", [&] { return inner_.claim(domain, total); });
  }
  Result<void> release_claim(DomainId domain) override {
    return calls_.through<void>("release_claim", [&] { return inner_.release_claim(domain); });
  }
  Result<void> set_pool(DomainId domain, Kib pool) override {
    return calls_.through<void>("set_pool", [&] { return inner_.set_pool(domain, pool); });
  }
  Task<std::optional<Kib>> set_frozen_pool(DomainId domain, std::optional<Kib> from,
                                           std::optional<Kib> to) override {
    return calls_.through_task<std::optional<Kib>>("set_frozen_pool", [this, domain, from, to] {
      return inner_.set_frozen_pool(domain, from, to);
    });
  }
  Result<bool> save_in_progress(DomainId domain, host::Duration oldest) override {
    return calls_.through<bool>("save_in_progress",
                                [&] { return inner_.save_in_progress(domain, oldest); });
  }

 private:
  FaultyCalls& calls_;
  Hypervisor& inner_;
};

/// The calls that the store and a transaction share.
template <class Interface>
class FaultyView : public Interface {
 public:
  FaultyView(FaultyCalls& calls, StoreView& inner, std::string prefix)
      : calls_{calls}, inner_{inner}, prefix_{std::move(prefix)} {}

  Result<std::optional<std::string>> read(const std::string& path) override {
    return calls_.through<std::optional<std::string>>(prefix_ + "read",
                                                      [&] { return inner_.read(path); });
  }
  Result<void> write(const std::string& path, std::string_view value) override {
    return calls_.through<void>(prefix_ + "write", [&] { return inner_.write(path, value); });
  }
  Result<void> remove(const std::string& path) override {
    return calls_.through<void>(prefix_ + "remove", [&] { return inner_.remove(path); });
  }
  Result<void> set_permissions(const std::string& path,
                               std::span<const Permission> permissions) override {
    return calls_.through<void>(prefix_ + "set_permissions",
                                [&] { return inner_.set_permissions(path, permissions); });
  }

 protected:
  FaultyCalls& calls_;

 private:
  StoreView& inner_;
  std::string prefix_;
};

class CountedWatch final : public Watch {
 public:
  CountedWatch(FaultyCalls& calls, std::unique_ptr<Watch> inner)
      : calls_{calls}, inner_{std::move(inner)} {}
  bool take() override {
    const bool changed = inner_->take();
    if (changed) calls_.note_event();
    return changed;
  }

 private:
  FaultyCalls& calls_;
  std::unique_ptr<Watch> inner_;
};

class TwiceWatch final : public Watch {
 public:
  explicit TwiceWatch(std::unique_ptr<Watch> inner) : inner_{std::move(inner)} {}
  bool take() override {
    if (inner_->take()) return again_ = true;
    return std::exchange(again_, false);
  }

 private:
  std::unique_ptr<Watch> inner_;
  bool again_{false};
};

/// Hears of changes by its own wakeup, and passes them on later, or not at all.
class LateWatch final : public Watch {
 public:
  LateWatch(World& world, Wakeup& waiting, bool ever) : heard_{std::make_shared<Heard>(&waiting)} {
    if (!ever) return;
    own_.on_notify([&world, weak = std::weak_ptr{heard_}] {
      world.after(std::chrono::milliseconds{300}, [weak] {
        const auto heard = weak.lock();
        if (!heard) return;
        heard->changed = true;
        heard->waiting->notify();
      });
    });
  }
  [[nodiscard]] Wakeup& own() { return own_; }
  void attach(std::unique_ptr<Watch> inner) { inner_ = std::move(inner); }
  bool take() override { return std::exchange(heard_->changed, false); }

 private:
  struct Heard {
    explicit Heard(Wakeup* who) : waiting{who} {}
    Wakeup* waiting;
    bool changed{true};
  };
  std::shared_ptr<Heard> heard_;
  Wakeup own_;
  std::unique_ptr<Watch> inner_;
};

class FaultyStore final : public FaultyView<Store> {
 public:
  explicit FaultyStore(FaultyCalls& calls)
      : FaultyView{calls, calls.port().store(), ""}, store_{calls.port().store()} {}

  Result<std::unique_ptr<Watch>> watch(const std::string& path, Wakeup& wakeup) override {
    return calls_.through<std::unique_ptr<Watch>>("watch", [&] { return conduct(path, wakeup); });
  }
  Result<void> transact(const std::function<Result<void>(StoreView&)>& body) override {
    return calls_.through<void>("transact", [&] {
      return store_.transact([&](StoreView& view) -> Result<void> {
        FaultyView<StoreView> inner{calls_, view, "transact."};
        return body(inner);
      });
    });
  }

 private:
  Result<std::unique_ptr<Watch>> conduct(const std::string& path, Wakeup& wakeup) {
    const WatchConduct how = calls_.watch(path);
    if (how == WatchConduct::prompt) {
      BOOST_OUTCOME_TRY(auto inner, store_.watch(path, wakeup));
      return std::unique_ptr<Watch>{new CountedWatch{calls_, std::move(inner)}};
    }
    if (how == WatchConduct::twice) {
      BOOST_OUTCOME_TRY(auto inner, store_.watch(path, wakeup));
      return std::unique_ptr<Watch>{new TwiceWatch{std::move(inner)}};
    }
    auto late = std::make_unique<LateWatch>(calls_.world(), wakeup, how == WatchConduct::late);
    BOOST_OUTCOME_TRY(auto inner, store_.watch(path, late->own()));
    late->attach(std::move(inner));
    return std::unique_ptr<Watch>{std::move(late)};
  }

  Store& store_;
};

class FaultyClock final : public Clock {
 public:
  explicit FaultyClock(FaultyCalls& calls) : calls_{calls}, inner_{calls.port().clock()} {}
  TimePoint now() const override { return inner_.now(); }
  boost::asio::awaitable<void> wait(Wakeup& wakeup, TimePoint until) override {
    if (calls_.killed()) throw ProcessKilled{};
    co_await inner_.wait(wakeup, until);
    calls_.note_wakeup();
    if (calls_.killed()) throw ProcessKilled{};
  }

 private:
  FaultyCalls& calls_;
  Clock& inner_;
};

}  // namespace

struct FaultyPort::Parts {
  FaultyCalls calls;
  FaultyHypervisor hypervisor{calls};
  FaultyStore store{calls};
  FaultyClock clock{calls};
};

FaultyPort::FaultyPort(Port& port, World& world, FaultPlan& plan)
    : port_{port}, parts_{new Parts{.calls = FaultyCalls{port, world, plan}}} {}
FaultyPort::~FaultyPort() = default;

Hypervisor& FaultyPort::hypervisor() { return parts_->hypervisor; }
Store& FaultyPort::store() { return parts_->store; }
Clock& FaultyPort::clock() { return parts_->clock; }
std::string FaultyPort::self() { return port_.self(); }
bool FaultyPort::is_alive(const std::string& owner) { return port_.is_alive(owner); }

}  // namespace memctl::test
