// SPDX-License-Identifier: LGPL-2.1-or-later
//
// memctl-port-probe: what the real host's port sees and does, one JSON object a line. For
// developers and the lab; on a Xen host it needs to be root in dom0.
//
//   memctl-port-probe              prints the figures of the host and of each guest
//   memctl-port-probe exercise ID  makes every call on that guest, the failing ones too, and brings
//                                  its limits back; exit 1 if one of them didn't do as it should
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>

#include "host/xen/connection.hpp"
#include "memctl/size.hpp"

namespace {

using namespace memctl;
using Json = nlohmann::ordered_json;
using host::Task;
using namespace std::chrono_literals;

int failures = 0;

void print(const Json& line) {
  std::puts(line.dump().c_str());
  std::fflush(stdout);
}

template <class T>
Json optional(const std::optional<T>& value) {
  if (!value) return nullptr;
  if constexpr (requires { value->count(); }) {
    return value->count();
  } else {
    return *value;
  }
}

Json json(const Error& error) {
  return {{"cause", name(error.cause)},
          {"message", error.message},
          {"raw", optional(error.raw)},
          {"log", error.log}};
}

Json json(const HostFacts& facts) {
  return {{"event", "host"},
          {"xen", std::to_string(facts.xen_major) + "." + std::to_string(facts.xen_minor)},
          {"free_pages", facts.free.count()},
          {"outstanding_pages", facts.outstanding.count()},
          {"scrubbing_pages", facts.scrubbing.count()},
          {"total_pages", facts.total.count()},
          {"numa_nodes", facts.numa_nodes}};
}

Json json(const DomainFacts& facts) {
  return {{"event", "domain"},
          {"id", number(facts.identity.id)},
          {"name", facts.identity.name},
          {"type", name(facts.identity.type)},
          {"uuid", facts.uuid},
          {"total_pages", facts.memory.total.count()},
          {"max_kib", facts.memory.max.count()},
          {"outstanding_pages", facts.memory.outstanding.count()},
          {"paused", facts.memory.paused},
          {"dying", facts.memory.dying},
          {"shutdown", static_cast<int>(facts.memory.shutdown)},
          {"vcpus", facts.vcpus},
          {"target_kib", optional(facts.target)},
          {"static_max_kib", optional(facts.static_max)},
          {"video_ram_kib", facts.video_ram.count()},
          {"has_stored_configuration", facts.has_stored_configuration},
          {"boot_limit_kib", optional(facts.boot_limit)},
          {"frozen_pool_kib", optional(facts.frozen_pool)},
          {"paging_pool_kib", optional(facts.paging_pool)},
          {"hap", optional(facts.hap)},
          {"pod_entries", optional(facts.pod_entries)},
          {"passthrough_devices", optional(facts.passthrough_devices)},
          {"emulated_dma_devices", optional(facts.emulated_dma_devices)}};
}

void check(std::string_view what, bool right, Json detail = nullptr) {
  if (!right) ++failures;
  print({{"event", "check"}, {"what", what}, {"ok", right}, {"detail", std::move(detail)}});
}

template <class T>
void check_success(std::string_view what, const Result<T>& result) {
  check(what, result.has_value(), result ? Json{} : json(result.error()));
}

template <class T>
void check_failure(std::string_view what, const Result<T>& result, Cause cause) {
  check(what, !result && result.error().cause == cause, result ? Json{} : json(result.error()));
}

/// The figures that the exercise changes and has to bring back.
Json limits(const DomainFacts& facts) {
  return {{"max_kib", facts.memory.max.count()},
          {"outstanding_pages", facts.memory.outstanding.count()},
          {"target_kib", optional(facts.target)},
          {"static_max_kib", optional(facts.static_max)}};
}

Task<void> show(host::Port& port) {
  BOOST_OUTCOME_CO_TRY(const auto figures, port.hypervisor().host_facts());
  print(json(figures));
  BOOST_OUTCOME_CO_TRY(const auto guests, co_await port.hypervisor().domains());
  for (const auto& guest : guests) {
    const auto facts = co_await port.hypervisor().domain_facts(guest.id);
    if (facts) {
      print(json(facts.assume_value()));
    } else {
      print({{"event", "error"}, {"id", number(guest.id)}, {"error", json(facts.error())}});
    }
    BOOST_OUTCOME_CO_TRY(const bool saving, port.hypervisor().save_in_progress(guest.id));
    print({{"event", "save"}, {"id", number(guest.id)}, {"in_progress", saving}});
  }
  co_return success();
}

Task<void> exercise_memory(host::Port& port, DomainId id) {
  auto& xen = port.hypervisor();
  BOOST_OUTCOME_CO_TRY(const auto before, co_await xen.domain_facts(id));
  print(json(before));
  if (!before.static_max || !before.size()) {
    check("the domain has a target and a static-max", false);
    co_return success();
  }
  const Kib size = *before.size();
  const Kib larger = *before.static_max + 64_MiB;

  check_failure("a size above static-max is refused by libxl",
                co_await xen.set_size(id, larger, true), Cause::hypervisor_error);
  check_failure("a limit below the target is refused by libxl",
                co_await xen.set_limit(id, *before.target - 1_MiB), Cause::hypervisor_error);
  check_failure("a claim above max_pages is refused", xen.claim(id, to_pages(larger + 8_MiB)),
                Cause::hypervisor_error);

  if (before.identity.type == DomainType::pv) {
    check_failure("a pv domain has no pool", xen.set_paging_pool(id, 16_MiB),
                  Cause::xen_unsupported);
  } else {
    const Kib pool = before.paging_pool.value_or(0_KiB) + 1_MiB;
    check_success("the pool is raised", xen.set_paging_pool(id, pool));
    BOOST_OUTCOME_CO_TRY(const auto raised, co_await xen.domain_facts(id));
    check("the raised pool is seen", raised.paging_pool == pool, optional(raised.paging_pool));
    check_failure("a pool larger than the host is refused", xen.set_paging_pool(id, 1_TiB),
                  Cause::paging_pool);
    BOOST_OUTCOME_CO_TRY(const auto unchanged, co_await xen.domain_facts(id));
    check("and leaves the pool as it was", unchanged.paging_pool == pool,
          optional(unchanged.paging_pool));
  }

  check_success("the limit is raised", co_await xen.set_limit(id, larger));
  BOOST_OUTCOME_CO_TRY(const auto limited, co_await xen.domain_facts(id));
  check("static-max is the limit", limited.static_max == larger, optional(limited.static_max));
  check("max_pages is the limit + 1 MiB", limited.memory.max == larger + 1_MiB,
        limited.memory.max.count());

  check_success("a claim is made", xen.claim(id, to_pages(larger)));
  BOOST_OUTCOME_CO_TRY(const auto claimed, xen.domain_memory(id));
  check("the claim is outstanding", claimed.outstanding == to_pages(larger) - claimed.total,
        claimed.outstanding.count());
  BOOST_OUTCOME_CO_TRY(const auto host_then, xen.host_facts());
  check("the host counts it", host_then.outstanding >= claimed.outstanding, json(host_then));
  check_failure("a second claim is refused", xen.claim(id, to_pages(larger)),
                Cause::hypervisor_error);
  check_success("the claim is released", xen.release_claim(id));
  check_success("it may be released twice", xen.release_claim(id));

  check_success("max_pages goes past the host", xen.set_max_memory(id, 1_TiB));
  check_failure("a claim of more than the host has is refused",
                xen.claim(id, to_pages(1_TiB) - Pages{1}), Cause::host_memory);

  check_success("the size is set", co_await xen.set_size(id, larger, true));
  BOOST_OUTCOME_CO_TRY(const auto sized, co_await xen.domain_facts(id));
  check("the size is seen", sized.size() == larger, optional(sized.size()));
  check("max_pages follows it", sized.memory.max == larger + 1_MiB, sized.memory.max.count());
  check("the boot limit doesn't", sized.boot_limit == before.boot_limit,
        optional(sized.boot_limit));

  check_success("the size comes back", co_await xen.set_size(id, size, false));
  check_success("the limit comes back", co_await xen.set_limit(id, *before.static_max));
  check_success("max_pages comes back", xen.set_max_memory(id, before.memory.max));
  BOOST_OUTCOME_CO_TRY(const auto after, co_await xen.domain_facts(id));
  check("every limit is what it was", limits(before) == limits(after),
        {{"before", limits(before)}, {"after", limits(after)}});
  co_return success();
}

Task<void> exercise_absent_domain(host::Port& port) {
  constexpr DomainId absent{31999};
  auto& xen = port.hypervisor();
  check_failure("facts of no domain", co_await xen.domain_facts(absent), Cause::no_such_domain);
  check_failure("memory of no domain", xen.domain_memory(absent), Cause::no_such_domain);
  check_failure("limit of no domain", co_await xen.set_limit(absent, 1_GiB), Cause::no_such_domain);
  check_failure("size of no domain", co_await xen.set_size(absent, 1_GiB, true),
                Cause::no_such_domain);
  check_failure("max_pages of no domain", xen.set_max_memory(absent, 1_GiB), Cause::no_such_domain);
  check_failure("claim of no domain", xen.claim(absent, Pages{1000}), Cause::no_such_domain);
  check_failure("release for no domain", xen.release_claim(absent), Cause::no_such_domain);
  check_failure("pool of no domain", xen.set_paging_pool(absent, 1_MiB), Cause::no_such_domain);
  co_return success();
}

Task<void> exercise_store(host::Port& port, DomainId id) {
  auto& store = port.store();
  const std::string node = "/libxl/" + std::to_string(number(id)) + "/memctl-probe";
  const std::string bytes{"a\0b", 3};
  check_success("a node is written with those above it", store.write(node + "/a/b", bytes));
  BOOST_OUTCOME_CO_TRY(const auto value, store.read(node + "/a/b"));
  check("bytes come back whole", value == bytes);
  BOOST_OUTCOME_CO_TRY(const auto nothing, store.read(node + "/none"));
  check("a missing node is nothing", !nothing);
  BOOST_OUTCOME_CO_TRY(const auto names, store.list(node));
  check("children are listed", names == std::vector<std::string>{"a"}, names);
  BOOST_OUTCOME_CO_TRY(const auto no_names, store.list(node + "/none"));
  check("a missing node has no children", no_names.empty());
  const std::vector<host::Permission> permissions{{.domain = DomainId{0}},
                                                  {.domain = id, .read = true}};
  check_success("permissions are set", store.set_permissions(node + "/a", permissions));
  check_failure("a relative path is refused", store.read("memctl"), Cause::store_error);
  check_failure("a value past the limit is refused", store.write(node, std::string(5000, 'x')),
                Cause::store_error);
  BOOST_OUTCOME_CO_TRY(const auto still, store.read(node + "/a/b"));
  check("and the connection survives it", still == bytes);

  int attempts = 0;
  check_success("a transaction is tried again after a conflict",
                store.transact([&](host::StoreView& view) -> Result<void> {
                  ++attempts;
                  BOOST_OUTCOME_TRYV(view.read(node + "/a/b"));
                  if (attempts == 1) {
                    BOOST_OUTCOME_TRYV(store.write(node + "/a/b", "other"));
                  }
                  return view.write(node + "/c", "committed");
                }));
  check("twice", attempts == 2, attempts);
  attempts = 0;
  check_failure("and given up in the end",
                store.transact([&](host::StoreView& view) -> Result<void> {
                  BOOST_OUTCOME_TRYV(view.read(node + "/a/b"));
                  BOOST_OUTCOME_TRYV(store.write(node + "/a/b", std::to_string(++attempts)));
                  return view.write(node + "/c", "never");
                }),
                Cause::store_error);
  check("after 16 attempts", attempts == 16, attempts);
  check_failure("an error of the body aborts",
                store.transact([&](host::StoreView& view) -> Result<void> {
                  BOOST_OUTCOME_TRYV(view.write(node + "/c", "aborted"));
                  return Error{.cause = Cause::busy};
                }),
                Cause::busy);
  BOOST_OUTCOME_CO_TRY(const auto committed, store.read(node + "/c"));
  check("nothing of it is seen", committed == "committed", committed.value_or(""));
  check_success("a node is removed", store.remove(node));
  check_success("so is one that is not there", store.remove(node));
  co_return success();
}

Task<void> exercise_watches(host::Port& port, DomainId id) {
  auto& store = port.store();
  auto& clock = port.clock();
  const std::string node = "/libxl/" + std::to_string(number(id)) + "/memctl-probe";
  host::Wakeup wakeup;
  BOOST_OUTCOME_CO_TRY(auto watch, store.watch(node, wakeup));
  check("a new watch notifies", wakeup.pending());
  check("and says so once", watch->take() && !watch->take());
  co_await clock.wait(wakeup, clock.now() + 1s);
  co_await clock.wait(wakeup, clock.now() + 200ms);  // xenstored's own first event
  (void)watch->take();

  BOOST_OUTCOME_CO_TRYV(store.write(node + "/below", "1"));
  const auto begin = clock.now();
  co_await clock.wait(wakeup, begin + 5s);
  check("a change below wakes", watch->take() && clock.now() - begin < 4s,
        std::chrono::duration<double, std::milli>(clock.now() - begin).count());

  for (int i = 0; i < 300; ++i) {
    BOOST_OUTCOME_CO_TRYV(store.write(node, std::to_string(i)));
  }
  co_await clock.wait(wakeup, clock.now() + 5s);
  check("many changes are folded", watch->take() && !watch->flooded());
  for (int i = 0; i < 3000; ++i) {
    BOOST_OUTCOME_CO_TRYV(store.write(node, std::to_string(i)));
  }
  co_await clock.wait(wakeup, clock.now() + 5s);
  check("a flood ends the watch, with a last word", watch->take() && watch->flooded());
  BOOST_OUTCOME_CO_TRYV(store.write(node, "unheard"));
  co_await clock.wait(wakeup, clock.now() + 300ms);
  check("and nothing after it", !watch->take());
  watch.reset();
  (void)wakeup.take();
  BOOST_OUTCOME_CO_TRYV(store.write(node, "unseen"));
  co_await clock.wait(wakeup, clock.now() + 300ms);
  BOOST_OUTCOME_CO_TRY(auto release, store.watch("@releaseDomain", wakeup));
  check("special paths are watched", release->take());
  BOOST_OUTCOME_CO_TRYV(store.remove(node));
  co_return success();
}

Task<void> exercise(host::Port& port, DomainId id) {
  check("this process is alive", port.is_alive(port.self()), port.self());
  BOOST_OUTCOME_CO_TRYV(co_await exercise_memory(port, id));
  BOOST_OUTCOME_CO_TRYV(co_await exercise_absent_domain(port));
  BOOST_OUTCOME_CO_TRYV(co_await exercise_store(port, id));
  BOOST_OUTCOME_CO_TRYV(co_await exercise_watches(port, id));
  co_return success();
}

std::optional<DomainId> domain_id(std::string_view text) {
  std::uint32_t id = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, id);
  if (error != std::errc{} || stop != end || id == 0) return std::nullopt;
  return DomainId{id};
}

}  // namespace

int main(int count, char** arguments) {
  const bool exercising = count == 3 && std::strcmp(arguments[1], "exercise") == 0;
  const auto id = exercising ? domain_id(arguments[2]) : std::nullopt;
  if (count != 1 && !id) {
    std::fputs("usage: memctl-port-probe [exercise ID]\n", stderr);
    return 2;
  }
  boost::asio::io_context context;
  auto connection = host::xen::connect(context);
  if (!connection) {
    print({{"event", "error"}, {"error", json(connection.error())}});
    return 3;
  }
  host::Port& port = connection.assume_value()->port();
  Result<void> result = success();
  boost::asio::co_spawn(
      context,
      [&]() -> boost::asio::awaitable<void> {
        // Not a conditional expression: g++ 12 would start both.
        if (id) {
          result = co_await exercise(port, *id);
        } else {
          result = co_await show(port);
        }
      },
      [](const std::exception_ptr& thrown) {
        if (thrown) std::rethrow_exception(thrown);
      });
  connection.assume_value()->run();
  if (!result) {
    print({{"event", "error"}, {"error", json(result.error())}});
    return 4;
  }
  return failures == 0 ? 0 : 1;
}
