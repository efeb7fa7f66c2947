// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/context.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <utility>

namespace memctl::resize {
namespace {

using std::chrono::seconds;

/// An agent that said nothing for so long is asked; it promised a report every 2 s.
constexpr seconds silence_time{3};
/// A guest's demand is measured over at least so long.
constexpr std::chrono::milliseconds demand_time{250};
/// How long memory may be added to a domain that is being saved before that is noticed: a look
/// takes some 10 us of each process in dom0.
constexpr std::chrono::milliseconds save_look_time{250};
/// Most calls of libxl's take milliseconds: so long it has to answer where nobody wants to wait any
/// more, since one that is given up leaves the domain half-way.
constexpr seconds answer_patience{5};
/// Well before the lease of a request (60 s) ends.
constexpr seconds renewal_time{20};

std::uint64_t new_operation_id() {
  std::random_device random;
  const std::uint64_t id = (std::uint64_t{random()} << 32) | random();
  return std::max<std::uint64_t>(id, 1);
}

std::string home_path(DomainId domain) { return "/local/domain/" + std::to_string(number(domain)); }

/// Stands from a domain's making to its end; nothing but a toolstack writes it.
std::string vm_path(DomainId domain) { return home_path(domain) + "/vm"; }

/// Written by dom0 alone: target and static-max stand below it.
std::string limits_path(DomainId domain) { return home_path(domain) + "/memory"; }

/// What a guest has for itself: free memory that the balloon takes is in neither figure.
Kib used(const AgentReport& report) { return report.mem_total - report.kernel_zone_free; }

Error superseded(const std::string& what, const std::string& value) {
  return Error{.cause = Cause::superseded,
               .message = "another tool set the domain's " + what + " to " + value + " meanwhile"};
}

plan::Policy policy_of(const ResizeOptions& options) {
  return {.host_reserve = options.host_reserve,
          .online = options.online,
          .agentless = options.agentless,
          .allow_hvm_devices = options.allow_hvm_devices};
}

}  // namespace

bool domain_went_away(Cause cause) {
  return cause == Cause::domain_gone || cause == Cause::guest_rebooted;
}

Context::Context(host::Port& port, DomainIdentity domain, ResizeOptions options)
    : port_{port},
      domain_{std::move(domain)},
      options_{std::move(options)},
      operation_{new_operation_id()},
      progress_{port.clock(), options_.on_event} {
  restart_deadline();
  facts_.policy = policy_of(options_);
}

Result<void> Context::open() {
  BOOST_OUTCOME_TRY(auto session, guest::Session::open(port_, domain_.id, operation_, wakeup_));
  session_.emplace(std::move(session));
  BOOST_OUTCOME_TRY(limits_watch_, port_.store().watch(limits_path(domain_.id), wakeup_));
  BOOST_OUTCOME_TRY(release_watch_, port_.store().watch("@releaseDomain", wakeup_));
  return success();
}

host::Task<plan::Input> Context::gather() {
  agent_error_.reset();
  facts_.guest.reset();
  BOOST_OUTCOME_CO_TRY(const DomainMemory memory, xen().domain_memory(domain_.id));
  const bool runs = !memory.paused && !memory.dying && memory.shutdown == ShutdownReason::none;
  if (runs) {
    auto report = co_await session_->ask(RequestKind::observe, 0, Kib{}, options_.online);
    if (report) {
      facts_.guest = GuestFacts{.hello = *session_->hello(), .report = report.value()};
      guest_used_ = used(report.value());
      guest_used_at_ = port_.clock().now();
    } else {
      agent_error_ = report.error();
    }
  }
  // The agent's answer can take seconds, in which others may change what follows, and the host's
  // figures most of all.
  BOOST_OUTCOME_CO_TRY(facts_.domain, co_await answer_of(xen().domain_facts(domain_.id)));
  BOOST_OUTCOME_CO_TRY(facts_.host, xen().host_facts());
  ours_ = {.target = facts_.domain.target,
           .limit = facts_.domain.limit,
           .max_pages = facts_.domain.memory.max_pages};
  co_return facts_;
}

Result<void> Context::check_life() const {
  const DomainMemory& memory = facts_.domain.memory;
  switch (memory.shutdown) {
    case ShutdownReason::none:
      break;
    case ShutdownReason::reboot:
      return Error{.cause = Cause::guest_rebooted, .message = "the guest rebooted"};
    case ShutdownReason::suspend:
      return Error{.cause = Cause::domain_migrating,
                   .message = "the domain was suspended, to be saved or migrated"};
    case ShutdownReason::crash:
      return Error{.cause = Cause::domain_gone, .message = "the guest crashed"};
    case ShutdownReason::poweroff:
    case ShutdownReason::other:
      return Error{.cause = Cause::domain_gone, .message = "the guest shut down"};
  }
  if (memory.dying)
    return Error{.cause = Cause::domain_gone, .message = "the domain was destroyed"};
  return success();
}

/// libxl removes a domain's nodes before Xen ends the domain itself.
Result<void> Context::check_nodes() {
  BOOST_OUTCOME_TRY(const auto vm, port_.store().read(vm_path(domain_.id)));
  if (vm) return success();
  return Error{.cause = Cause::domain_gone, .message = "the domain has gone"};
}

Result<void> Context::check_domain() {
  BOOST_OUTCOME_TRY(read_memory());
  BOOST_OUTCOME_TRY(check_life());
  return check_nodes();
}

Error Context::reason_of(Error error) {
  if (error.cause == Cause::domain_gone || error.cause == Cause::guest_rebooted) return error;
  const auto standing = check_domain();
  if (standing) return error;
  const Cause cause = standing.error().cause;
  return domain_went_away(cause) || cause == Cause::domain_migrating ? standing.error() : error;
}

// libxl_domain_setmaxmem writes static-max without a look whether the domain still stands.
Result<void> Context::remove_remnants() {
  return port_.store().transact([&](host::StoreView& view) -> Result<void> {
    BOOST_OUTCOME_TRY(const auto vm, view.read(vm_path(domain_.id)));
    if (vm) return success();
    return view.remove(home_path(domain_.id));
  });
}

void Context::take_in(const AgentReport& report) {
  facts_.guest->report = report;
  const host::TimePoint now = port_.clock().now();
  if (now - guest_used_at_ < demand_time) return;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - guest_used_at_);
  const Kib taken = used(report) - guest_used_;
  facts_.guest_demand = std::max(Kib{}, Kib{taken.count() * 1000 / elapsed.count()});
  guest_used_ = used(report);
  guest_used_at_ = now;
}

Result<void> Context::read_memory() {
  auto memory = xen().domain_memory(domain_.id);
  if (!memory) {
    if (memory.error().cause != Cause::no_such_domain) return memory.error();
    return Error{.cause = Cause::domain_gone, .message = "the domain has gone"};
  }
  facts_.domain.memory = memory.value();
  return success();
}

Result<void> Context::check_key(const std::string& key, const std::optional<Kib>& ours) {
  if (!ours) return success();
  BOOST_OUTCOME_TRY(const auto text, port_.store().read(limits_path(domain_.id) + "/" + key));
  if (text == std::to_string(ours->count())) return success();
  if (!text) {
    BOOST_OUTCOME_TRY(check_nodes());
  }
  return superseded(key, text ? text->substr(0, 32) + " KiB" : "nothing");
}

Result<void> Context::check_keys() {
  BOOST_OUTCOME_TRY(check_key("target", ours_.target));
  return check_key("static-max", ours_.limit);
}

/// The first that is seen after a call of ours that failed counts as ours.
Result<void> Context::check_max_pages() {
  const Kib max = facts_.domain.memory.max_pages;
  if (!ours_.max_pages) ours_.max_pages = max;
  if (to_pages(max) == to_pages(*ours_.max_pages)) return success();
  return superseded("max_pages", std::to_string(max.count()) + " KiB");
}

Result<void> Context::measure() {
  BOOST_OUTCOME_TRY(read_memory());
  BOOST_OUTCOME_TRY(check_life());
  BOOST_OUTCOME_TRY(check_keys());
  return check_max_pages();
}

Result<void> Context::look() {
  BOOST_OUTCOME_TRY(read_memory());
  BOOST_OUTCOME_TRY(check_life());
  if (facts_.guest) {
    BOOST_OUTCOME_TRY(session_->poll());
    const auto& report = session_->report();
    if (report && report->sequence != facts_.guest->report.sequence) take_in(*report);
  }
  if (limits_watch_->take()) {
    BOOST_OUTCOME_TRY(check_keys());
  }
  BOOST_OUTCOME_TRY(check_max_pages());
  if (earlier_limit_) return success();
  BOOST_OUTCOME_TRY(check_wish());
  if (const auto& thrown = progress_.thrown()) {
    return Error{.cause = Cause::cancelled, .message = "on_event threw: " + *thrown};
  }
  return success();
}

/// Whether somebody still wants it.
Result<void> Context::check_wish() const {
  if (earlier_limit_) return success();
  if (cancelled_) return Error{.cause = Cause::cancelled, .message = "the request was cancelled"};
  if (deadline_ && port_.clock().now() >= *deadline_) {
    return Error{.cause = Cause::deadline,
                 .message = "not done within " + std::to_string(options_.timeout->count()) + " ms"};
  }
  return success();
}

Result<void> Context::check_patience(host::TimePoint called) const {
  const auto waited = port_.clock().now() - called;
  if (waited < answer_patience) return success();
  auto wish = check_wish();
  if (wish && waited >= options_.stall) {
    const auto time = std::chrono::duration_cast<seconds>(waited);
    wish =
        Error{.cause = Cause::stalled, .message = std::to_string(time.count()) + " s have passed"};
  }
  if (wish) return wish;
  Error error = wish.error();
  error.message += ", and libxl has not answered: another tool may hold its lock of the domain";
  error.hint =
      "who does: fuser -v /var/lib/xen/userdata-l." + std::to_string(number(domain_.id)) + ".*";
  return error;
}

host::TimePoint Context::patient_until(host::TimePoint called) const {
  host::TimePoint until = called + std::max<host::Duration>(options_.stall, answer_patience);
  if (earlier_limit_) return until;
  if (deadline_) until = std::min(until, *deadline_);
  if (cancelled_) until = called;
  return std::max(until, called + answer_patience);
}

Result<void> Context::check_saving_if_due() {
  if (port_.clock().now() - save_looked_at_ < save_look_time) return success();
  return check_saving();
}

Result<void> Context::check_saving() {
  save_looked_at_ = port_.clock().now();
  BOOST_OUTCOME_TRY(const bool saving, xen().save_in_progress(domain_.id));
  if (!saving) return success();
  return Error{.cause = Cause::domain_migrating,
               .message =
                   "the domain is being saved or migrated: memory that is added meanwhile "
                   "may not travel with it"};
}

boost::asio::awaitable<void> Context::wait(host::Duration time) {
  host::TimePoint until = port_.clock().now() + time;
  if (deadline_ && !earlier_limit_) until = std::min(until, *deadline_);
  co_await port_.clock().wait(wakeup_, until);
}

// A guest that reboots is built with target and static-max as they are then, and a pvh or hvm
// guest's kernel panics where it cannot give back the difference as it boots.
host::Task<void> Context::set_size(Kib size) {
  if (size > facts_.domain.limit) {
    BOOST_OUTCOME_CO_TRY(co_await set_limit(size));
  }
  BOOST_OUTCOME_CO_TRY(measure());
  ours_.target.reset();
  ours_.max_pages.reset();
  facts_.domain.target.reset();
  BOOST_OUTCOME_CO_TRY(co_await answer_of(xen().set_size(domain_.id, size), Effect::sets_limits));
  ours_.target = facts_.domain.target = size - facts_.domain.video_ram;
  ours_.max_pages = size + plan::max_pages_slack;
  if (!earlier_limit_ || facts_.domain.limit <= std::max(size, *earlier_limit_)) {
    co_return success();
  }
  BOOST_OUTCOME_CO_TRY(co_await set_limit(std::max(size, *earlier_limit_)));
  co_return set_max_pages(size + plan::max_pages_slack);
}

host::Task<void> Context::set_limit(Kib limit) {
  BOOST_OUTCOME_CO_TRY(measure());
  ours_.limit.reset();
  ours_.max_pages.reset();
  BOOST_OUTCOME_CO_TRY(co_await answer_of(xen().set_limit(domain_.id, limit), Effect::sets_limits));
  ours_.limit = facts_.domain.limit = limit;
  ours_.max_pages = limit + plan::max_pages_slack;
  co_return success();
}

Result<void> Context::set_max_pages(Kib size) {
  BOOST_OUTCOME_TRY(measure());
  ours_.max_pages.reset();
  BOOST_OUTCOME_TRY(xen().set_max_pages(domain_.id, size));
  ours_.max_pages = size;
  return success();
}

Result<void> Context::lift_cap(Kib earlier) {
  if (!ours_.max_pages) return success();
  BOOST_OUTCOME_TRY(read_memory());
  BOOST_OUTCOME_TRY(check_max_pages());
  if (facts_.domain.memory.max_pages >= earlier) return success();
  return xen().set_max_pages(domain_.id, earlier);
}

host::Task<void> Context::consult(RequestKind kind, std::uint32_t stage, Kib size) {
  Result<void> answered = success();
  if (facts_.guest) {
    const auto answer = co_await session_->ask(kind, stage, size, options_.online);
    if (!answer) answered = answer.error();
  }
  BOOST_OUTCOME_CO_TRY(look());
  if (!answered && facts_.domain.memory.paused) {
    co_return Error{.cause = Cause::domain_paused, .message = "the domain is paused"};
  }
  co_return answered;
}

Result<void> Context::keep_agent(std::uint32_t stage, Kib size, host::TimePoint moved_at) {
  if (!session()) return success();
  const host::TimePoint now = port_.clock().now();
  if (facts_.domain.memory.paused) {
    paused_at_ = now;
    return success();
  }
  if (!session_->answered()) {
    // A guest that moves lives, however busy its kernel is with the new memory.
    if (now - std::max({session_->asked_at(), moved_at, paused_at_}) < guest::answer_time) {
      return session_->repeat();
    }
    return Error{.cause = Cause::agent_absent,
                 .message = "the guest's memctl-agent stopped answering"};
  }
  const bool silent = now - session_->reported_at() > silence_time;
  const bool lease_ends = now - session_->asked_at() > renewal_time;
  if (!silent && !lease_ends) return success();
  return session_->send(RequestKind::prepare, stage, size, options_.online);
}

void Context::release_agent() {
  if (guest::Session* agent = session()) {
    static_cast<void>(agent->send(RequestKind::release, 0, Kib{}, options_.online));
  }
}

void Context::restart_deadline() {
  if (options_.timeout) deadline_ = port_.clock().now() + *options_.timeout;
}

void Context::cancel() {
  cancelled_ = true;
  wakeup_.notify();
}

}  // namespace memctl::resize
