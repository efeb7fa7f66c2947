// SPDX-License-Identifier: LGPL-2.1-or-later
#include "api/c/given.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "api/c/numbers.hpp"
#include "base/finite.hpp"

namespace memctl::c {
namespace {

using std::chrono::milliseconds;

/// No struct is larger. A larger size is one that nobody wrote.
constexpr std::size_t largest_struct = 4096;

/// The caller's struct as this library knows it. A newer caller's struct is longer; what this
/// library does not know in it has to be zero.
template <class Struct>
Result<Struct> read(const Struct* given, const char* name) {
  Struct known{};
  if (!given) return known;
  std::size_t size = 0;
  std::memcpy(&size, given, sizeof size);
  const auto wrong = [&](const char* why) {
    return invalid(std::string{name} + " has the size " + std::to_string(size) + ", " + why,
                   std::string{"set its member size to sizeof("} + name + ")");
  };
  if (size < sizeof known) return wrong("which is too small");
  if (size > largest_struct) return wrong("which is too large");
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  if (std::any_of(bytes + sizeof known, bytes + size, [](unsigned char byte) { return byte; })) {
    return wrong("and asks for something that this version of memctl does not know");
  }
  std::memcpy(&known, given, sizeof known);
  return known;
}

Error unknown(const char* what, std::int64_t number, const char* hint) {
  return invalid(std::string{what} + " is " + std::to_string(number) + ", which has no meaning",
                 hint);
}

Result<milliseconds> stall_of(std::int64_t count) {
  if (count == 0) return ResizeOptions{}.stall;
  return time_of(count, "stall_ms");
}

Result<OnlineZone> zone_of(memctl_online_zone zone) {
  if (zone == MEMCTL_ZONE_KERNEL) return OnlineZone::kernel;
  if (zone == MEMCTL_ZONE_MOVABLE) return OnlineZone::movable;
  return unknown("online", zone, "give MEMCTL_ZONE_KERNEL or MEMCTL_ZONE_MOVABLE");
}

Result<Numa> numa_of(memctl_numa numa) {
  if (numa == MEMCTL_NUMA_ANY) return Numa::any;
  if (numa == MEMCTL_NUMA_LOCAL) return Numa::local;
  return unknown("numa", numa, "give MEMCTL_NUMA_ANY or MEMCTL_NUMA_LOCAL");
}

Result<Kib> reserve_of(std::int64_t kib) {
  if (kib == 0) return ResizeOptions{}.host_reserve;
  if (kib == MEMCTL_NO_RESERVE) return Kib{};
  if (kib < 0) {
    return unknown("host_reserve_kib", kib, "give KiB, 0 for 64 MiB, or MEMCTL_NO_RESERVE");
  }
  return Kib{kib};
}

std::optional<Kib> bound_of(std::int64_t kib) {
  if (kib == 0) return std::nullopt;
  return Kib{kib};
}

thread_local int callbacks = 0;

/// Exists while a callback runs on the host's thread.
class InCallback {
 public:
  InCallback() { ++callbacks; }
  InCallback(const InCallback&) = delete;
  InCallback& operator=(const InCallback&) = delete;
  ~InCallback() { --callbacks; }
};

/// `call`, as a callback on the host's thread.
template <class... Values>
std::function<void(Values...)> here(std::function<void(Values...)> call) {
  return [call = std::move(call)](Values... values) {
    const InCallback in_callback;
    call(values...);
  };
}

/// `call`, which runs on the queue, or else on the host's thread.
template <class Function>
Function placed(Function call, const Queue& queue) {
  return queue ? queue->queue.bind(std::move(call)) : here(std::move(call));
}

/// A function for the library that shows the caller's callback a struct.
template <class Struct, class Value, class Callback>
std::function<void(const Value&)> showing(Callback callback, std::shared_ptr<Data> data) {
  return [callback, data = std::move(data)](const Value& value) {
    Arena arena;
    callback(arena.make<Struct>(value), data->get());
  };
}

}  // namespace

Result<milliseconds> time_of(std::int64_t count, const char* what) {
  if (count < 0) return unknown(what, count, "give milliseconds, from 0 on");
  return milliseconds{count};
}

std::shared_ptr<Data> Data::hold(void* data, memctl_free_callback free) {
  try {
    return std::make_shared<Data>(data, free);
  } catch (...) {
    end(data, free);
    throw;
  }
}

void Data::end(void* data, memctl_free_callback free) noexcept {
  if (!free) return;
  try {
    free(data);
  } catch (...) {  // NOLINT(bugprone-empty-catch): whoever threw has no caller any more
  }
}

Result<Queue> queue_of(memctl_queue* queue) {
  if (!queue) return Queue{};
  return object_of<QueueObject>(queue);
}

Result<Policy> policy_of(const memctl_policy* given) {
  BOOST_OUTCOME_TRY(const auto known, read(given, "memctl_policy"));
  Policy policy{.host_reserve = Kib{known.host_reserve_kib}};
  BOOST_OUTCOME_TRY(policy.numa, numa_of(known.numa));
  if (known.domain_count > 0) {
    BOOST_OUTCOME_TRY(require(known.domains, "domains"));
  }
  for (std::size_t each = 0; each < known.domain_count; ++each) {
    BOOST_OUTCOME_TRY(require(known.domains[each], "an entry of domains"));
    BOOST_OUTCOME_TRY(const auto entry, read(known.domains[each], "memctl_domain_policy"));
    BOOST_OUTCOME_TRY(require(entry.name, "the name of an entry of domains"));
    policy.domains.push_back({.name = entry.name,
                              .minimum = bound_of(entry.minimum_kib),
                              .maximum = bound_of(entry.maximum_kib)});
  }
  return policy;
}

Result<HostOptions> host_options_of(const memctl_host_options* given) {
  BOOST_OUTCOME_TRY(const auto known, read(given, "memctl_host_options"));
  const auto data = Data::hold(known.log_data, known.log_data_free);
  HostOptions options;
  BOOST_OUTCOME_TRY(options.policy, policy_of(known.policy));
  BOOST_OUTCOME_TRY(const auto queue, queue_of(known.log_queue));
  if (known.on_log) {
    options.on_log = placed(showing<memctl_log_line, LogLine>(known.on_log, data), queue);
  }
  return options;
}

Result<ResizeOptions> question_options_of(const memctl_question_options* given) {
  BOOST_OUTCOME_TRY(const auto known, read(given, "memctl_question_options"));
  ResizeOptions options{.agentless = known.agentless,
                        .allow_hvm_devices = known.allow_hvm_devices,
                        .force_movable = known.force_movable};
  BOOST_OUTCOME_TRY(options.online, zone_of(known.online));
  BOOST_OUTCOME_TRY(options.host_reserve, reserve_of(known.host_reserve_kib));
  BOOST_OUTCOME_TRY(options.stall, stall_of(known.stall_ms));
  BOOST_OUTCOME_TRY(options.numa, numa_of(known.numa));
  return options;
}

Result<ResizeOptions> resize_options_of(const memctl_resize_options* given) {
  BOOST_OUTCOME_TRY(const auto known, read(given, "memctl_resize_options"));
  const auto data = Data::hold(known.event_data, known.event_data_free);
  ResizeOptions options;
  BOOST_OUTCOME_TRY(const auto timeout, time_of(known.timeout_ms, "timeout_ms"));
  if (known.timeout_ms > 0) options.timeout = timeout;
  BOOST_OUTCOME_TRY(options.stall, stall_of(known.stall_ms));
  if (known.on_failure == MEMCTL_ON_FAILURE_KEEP) {
    options.on_failure = OnFailure::keep;
  } else if (known.on_failure != MEMCTL_ON_FAILURE_RESTORE) {
    return unknown("on_failure", known.on_failure,
                   "give MEMCTL_ON_FAILURE_RESTORE or MEMCTL_ON_FAILURE_KEEP");
  }
  BOOST_OUTCOME_TRY(options.online, zone_of(known.online));
  options.agentless = known.agentless;
  options.allow_hvm_devices = known.allow_hvm_devices;
  options.force_movable = known.force_movable;
  BOOST_OUTCOME_TRY(options.numa, numa_of(known.numa));
  BOOST_OUTCOME_TRY(options.host_reserve, reserve_of(known.host_reserve_kib));
  BOOST_OUTCOME_TRY(const auto queue, queue_of(known.event_queue));
  if (known.on_event) {
    options.on_event = placed(showing<memctl_event, Event>(known.on_event, data), queue);
  }
  return options;
}

Result<DomainIdentity> identity_of(const memctl_identity* given) {
  BOOST_OUTCOME_TRY(require(given, "the identity"));
  BOOST_OUTCOME_TRY(const auto known, read(given, "memctl_identity"));
  BOOST_OUTCOME_TRY(require(known.name, "the name of the identity"));
  BOOST_OUTCOME_TRY(require(known.uuid, "the uuid of the identity"));
  if (known.type < MEMCTL_DOMAIN_PV || known.type > MEMCTL_DOMAIN_HVM) {
    return unknown("the type of the identity", known.type,
                   "give an identity that the library handed out, or its numbers");
  }
  return DomainIdentity{.id = DomainId{known.id},
                        .name = known.name,
                        .type = static_cast<DomainType>(known.type),
                        .uuid = known.uuid};
}

Result<SizeRequest> size_of(memctl_size_kind kind, std::int64_t kib) {
  const bool relative = kind == MEMCTL_SIZE_RELATIVE;
  if (!relative && kind != MEMCTL_SIZE_ABSOLUTE) {
    return unknown("the kind of the size", kind,
                   "give MEMCTL_SIZE_ABSOLUTE or MEMCTL_SIZE_RELATIVE");
  }
  const Kib amount{kib};
  if (amount > vast_size || amount < -vast_size) {
    return Error{.cause = Cause::invalid_size,
                 .message = std::to_string(kib) + " KiB is larger than any memory"};
  }
  return relative ? SizeRequest::relative(amount) : SizeRequest{amount};
}

std::function<void()> end_callback(memctl_end_callback callback, std::shared_ptr<Data> data,
                                   const Queue& queue) {
  return placed(
      std::function<void()>{[callback, data = std::move(data)] { callback(data->get()); }}, queue);
}

std::function<void(const DomainChange&)> change_callback(memctl_change_callback callback,
                                                         std::shared_ptr<Data> data,
                                                         const Queue& queue) {
  return placed(showing<memctl_change, DomainChange>(callback, std::move(data)), queue);
}

Result<void> require_may_block() {
  if (callbacks == 0) return success();
  return Error{
      .cause = Cause::not_permitted,
      .message = "a callback on the host's thread made a call that would block that thread",
      .hint = "start it as an operation, or give the callback a queue"};
}

}  // namespace memctl::c
