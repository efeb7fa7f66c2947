// SPDX-License-Identifier: LGPL-2.1-or-later
#include "memctl/host.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "api/host_state.hpp"
#include "base/finite.hpp"
#include "base/text.hpp"
#include "resize/doctor.hpp"
#include "resize/observed_domain.hpp"

namespace memctl {
namespace {

using resize::is_dom0;
using resize::question_of;
using Identities = std::vector<DomainIdentity>;

Result<Identities> list(HostState& state) {
  return state.call([](host::Port& port) { return port.hypervisor().domains(); });
}

Error no_such_domain(std::string message, std::string hint = {}) {
  return {.cause = Cause::no_such_domain, .message = std::move(message), .hint = std::move(hint)};
}

/// The guests by name, if the list is short enough to read. Otherwise the cause's own hint applies.
std::string list_of(const Identities& guests) {
  constexpr std::size_t most = 8;
  if (guests.empty()) return "no guest runs";
  if (guests.size() > most) return {};
  std::string names;
  for (const DomainIdentity& guest : guests) {
    names += (names.empty() ? "" : ", ") + printable(guest.name, 64);
  }
  return (guests.size() == 1 ? "the guest that runs is " : "the guests that run are ") + names;
}

/// A name of digits finds nothing: whoever chooses a guest's name could otherwise catch what is
/// meant for another guest.
Result<DomainIdentity> with_number(const Identities& guests, std::string_view digits) {
  std::uint32_t wanted = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), wanted);
  const bool fits = parsed.ec == std::errc{};
  if (fits && wanted == 0) return is_dom0();
  const auto found = std::ranges::find(guests, DomainId{wanted}, &DomainIdentity::id);
  if (fits && found != guests.end()) return *found;
  const auto named = std::ranges::find(guests, digits, &DomainIdentity::name);
  return no_such_domain("no guest has the number " + printable(digits, 64),
                        named == guests.end() ? list_of(guests)
                                              : "digits mean a number; the guest of that name has "
                                                "the number " +
                                                    std::to_string(number(named->id)));
}

Result<DomainIdentity> with_name(const Identities& guests, std::string_view name) {
  if (name.empty()) return no_such_domain("the name of the domain is empty", list_of(guests));
  if (name == "Domain-0") return is_dom0();
  const auto found = std::ranges::find(guests, name, &DomainIdentity::name);
  if (found != guests.end()) return *found;
  return no_such_domain("no guest is called \"" + printable(name, 64) + "\"", list_of(guests));
}

}  // namespace

Host::Host(std::shared_ptr<HostState> state) : state_{std::move(state)} {}

Result<Host> Host::open(std::string_view uri, HostOptions options) {
  BOOST_OUTCOME_TRY(options.policy.check());
  BOOST_OUTCOME_TRY(auto runner, HostThread::open(uri));
  return Host{HostState::over(std::move(runner), std::move(options))};
}

Result<std::vector<Domain>> Host::domains() const {
  BOOST_OUTCOME_TRY(const auto identities, list(*state_));
  std::vector<Domain> domains;
  domains.reserve(identities.size());
  for (const DomainIdentity& identity : identities) domains.emplace_back(state_, identity);
  return domains;
}

Result<Domain> Host::domain(std::string_view name_or_id) const {
  BOOST_OUTCOME_TRY(const auto identities, list(*state_));
  BOOST_OUTCOME_TRY(auto identity, is_number(name_or_id) ? with_number(identities, name_or_id)
                                                         : with_name(identities, name_or_id));
  return Domain{state_, std::move(identity)};
}

Domain Host::domain(DomainIdentity identity) const { return {state_, std::move(identity)}; }

Result<void> Host::set_policy(Policy policy) const { return state_->set_policy(std::move(policy)); }

Result<DomainWatch> Host::watch(std::function<void(const DomainChange&)> on_change) const {
  return state_->watch(std::move(on_change));
}

Pending<HostStatus> Host::ask_status(const StatusOptions& options) const {
  return state_->ask([&state = *state_, reserve = options.host_reserve](host::Port& port) {
    return resize::status_of_host(port, state.reserve(reserve));
  });
}

Pending<std::vector<Finding>> Host::ask_doctor(const DoctorOptions& options) const {
  return state_->ask([&state = *state_, reserve = options.host_reserve](host::Port& port) {
    return resize::examine_host(port, state.reserve(reserve));
  });
}

Pending<std::vector<OfDomain<DomainStatus>>> Host::ask_status_all(
    const StatusOptions& options) const {
  return state_->ask_all([&state = *state_, question = question_of(options)](
                             host::Port& port, const DomainIdentity& domain) {
    return resize::status_of(port, domain, state.bounded(domain, question));
  });
}

Pending<std::vector<OfDomain<std::vector<Finding>>>> Host::ask_doctor_all(
    const DoctorOptions& options) const {
  return state_->ask_all([&state = *state_, question = question_of(options)](
                             host::Port& port, const DomainIdentity& domain) {
    return resize::examine_domain(port, domain, state.bounded(domain, question));
  });
}

Result<HostStatus> Host::status(const StatusOptions& options) const {
  return state_->wait_for_new([&] { return ask_status(options); });
}

Result<std::vector<Finding>> Host::doctor(const DoctorOptions& options) const {
  return state_->wait_for_new([&] { return ask_doctor(options); });
}

Result<std::vector<OfDomain<DomainStatus>>> Host::status_all(const StatusOptions& options) const {
  return state_->wait_for_new([&] { return ask_status_all(options); });
}

Result<std::vector<OfDomain<std::vector<Finding>>>> Host::doctor_all(
    const DoctorOptions& options) const {
  return state_->wait_for_new([&] { return ask_doctor_all(options); });
}

Result<std::vector<DomainRecovery>> Host::recover(const ResizeOptions& options) const {
  BOOST_OUTCOME_TRY(const auto all, domains());
  std::vector<Pending<Recovery>> pending;
  pending.reserve(all.size());
  for (const Domain& domain : all) pending.push_back(domain.start_recovery(options));
  std::vector<DomainRecovery> recovered;
  for (std::size_t each = 0; each < all.size(); ++each) {
    auto result = pending[each].wait();
    const bool ended = !result && result.error().cause == Cause::no_such_domain;
    if (!ended) recovered.push_back({all[each].identity(), std::move(result)});
  }
  return recovered;
}

Domain::Domain(std::shared_ptr<HostState> host, DomainIdentity identity)
    : host_{std::move(host)}, identity_{std::move(identity)} {}

Pending<DomainStatus> Domain::ask_status(const StatusOptions& options) const {
  return host_->ask(
      [&state = *host_, domain = identity_, question = question_of(options)](host::Port& port) {
        return resize::status_of(port, domain, state.bounded(domain, question));
      });
}

Pending<std::vector<Finding>> Domain::ask_doctor(const DoctorOptions& options) const {
  return host_->ask(
      [&state = *host_, domain = identity_, question = question_of(options)](host::Port& port) {
        return resize::examine_domain(port, domain, state.bounded(domain, question));
      });
}

Pending<Plan> Domain::ask_plan(SizeRequest size, const PlanOptions& options) const {
  return host_->ask([&state = *host_, domain = identity_, size = finite(size),
                     question = question_of(options)](host::Port& port) {
    return resize::plan_only(port, domain, size, state.bounded(domain, question));
  });
}

Pending<Recovery> Domain::start_recovery(ResizeOptions options) const {
  return host_->recover(identity_, std::move(options));
}

Result<DomainStatus> Domain::status(const StatusOptions& options) const {
  return host_->wait_for_new([&] { return ask_status(options); });
}

Result<std::vector<Finding>> Domain::doctor(const DoctorOptions& options) const {
  return host_->wait_for_new([&] { return ask_doctor(options); });
}

Result<Recovery> Domain::recover(const ResizeOptions& options) const {
  return host_->wait_for_new([&] { return start_recovery(options); });
}

Result<Plan> Domain::plan_resize(SizeRequest size, const PlanOptions& options) const {
  return host_->wait_for_new([&] { return ask_plan(size, options); });
}

Operation Domain::resize(SizeRequest size, ResizeOptions options) const {
  return Operation{host_, host_->start(identity_, size, std::move(options))};
}

DomainWatch::DomainWatch(std::shared_ptr<State> state) : state_{std::move(state)} {}

void DomainWatch::stop() const { state_->host->stop(state_->watcher); }

Operation::Operation(std::shared_ptr<HostState> host, std::shared_ptr<State> state)
    : host_{std::move(host)}, state_{std::move(state)} {}

const DomainIdentity& Operation::domain() const { return state_->domain; }

bool Operation::done() const { return state_->is_there(); }

Result<Report> Operation::wait() const { return host_->wait(*state_); }

std::optional<Result<Report>> Operation::wait_for(std::chrono::milliseconds time) const {
  return host_->wait_for(*state_, time);
}

void Operation::cancel() const { host_->cancel(state_); }

void Operation::on_end(std::function<void()> then) const {
  host_->on_end<Report>(state_, std::move(then));
}

}  // namespace memctl
