// SPDX-License-Identifier: LGPL-2.1-or-later
#include <utility>

#include "api/c/given.hpp"

using namespace memctl;
using namespace memctl::c;

namespace {

/// Without memory for `call`, a resize is left out, and goes on.
template <class Call>
void for_each_resize(const Handles::Closed& handles, Call call) noexcept {
  for (const auto& [number, entry] : handles) {
    const auto* operation = dynamic_cast<const OperationObject*>(entry.object.get());
    const auto* resize = operation ? std::get_if<Operation>(&operation->under_way) : nullptr;
    if (!resize) continue;
    try {
      call(*resize);
    } catch (...) {  // NOLINT(bugprone-empty-catch): see above
    }
  }
}

}  // namespace

extern "C" {

memctl_error* memctl_parse_size(const char* text, memctl_size_kind* kind, std::int64_t* kib) {
  return guarded([&]() -> Result<void> {
    BOOST_OUTCOME_TRY(require(text, "the text"));
    BOOST_OUTCOME_TRY(require(kind, "the pointer for the kind"));
    BOOST_OUTCOME_TRY(require(kib, "the pointer for the size"));
    BOOST_OUTCOME_TRY(const auto size, parse_size(text));
    *kind = size.kind == SizeRequest::Kind::relative ? MEMCTL_SIZE_RELATIVE : MEMCTL_SIZE_ABSOLUTE;
    *kib = size.amount.count();
    return success();
  });
}

memctl_error* memctl_host_open(const char* uri, const memctl_host_options* options,
                               memctl_host** host) {
  return guarded([&]() -> Result<void> {
    if (host) *host = nullptr;
    BOOST_OUTCOME_TRY(auto given, host_options_of(options));
    BOOST_OUTCOME_TRY(clear(host));
    BOOST_OUTCOME_TRY(require(uri, "the uri"));
    BOOST_OUTCOME_TRY(auto opened, Host::open(uri, std::move(given)));
    return open<HostObject>(host, 0, std::move(opened));
  });
}

void memctl_host_close(memctl_host* host) {
  if (!std::dynamic_pointer_cast<HostObject>(Handles::all().find(value_of(host)))) return;
  const auto ended = Handles::all().close(value_of(host));
  // A thread that waits for a resize keeps the host open, so that the host's end does not do this.
  for_each_resize(ended, [](const Operation& resize) { resize.cancel(); });
  for_each_resize(ended, [](const Operation& resize) { static_cast<void>(resize.wait()); });
}

memctl_error* memctl_host_set_policy(memctl_host* host, const memctl_policy* policy) {
  return guarded([&]() -> Result<void> {
    BOOST_OUTCOME_TRY(const auto object, object_of<HostObject>(host));
    BOOST_OUTCOME_TRY(auto given, policy_of(policy));
    return object->host.set_policy(std::move(given));
  });
}

memctl_error* memctl_host_domains(memctl_host* host, memctl_identities** identities) {
  return guarded([&]() -> Result<void> {
    BOOST_OUTCOME_TRY(clear(identities));
    BOOST_OUTCOME_TRY(const auto object, object_of<HostObject>(host));
    BOOST_OUTCOME_TRY(const auto domains, object->host.domains());
    std::vector<DomainIdentity> found;
    for (const Domain& domain : domains) found.push_back(domain.identity());
    *identities = hand_out<memctl_identities>(found);
    return success();
  });
}

memctl_error* memctl_host_find(memctl_host* host, const char* name_or_number,
                               memctl_domain** domain) {
  return guarded([&]() -> Result<void> {
    BOOST_OUTCOME_TRY(clear(domain));
    BOOST_OUTCOME_TRY(require(name_or_number, "the name of the domain"));
    BOOST_OUTCOME_TRY(const auto object, object_of<HostObject>(host));
    BOOST_OUTCOME_TRY(auto found, object->host.domain(name_or_number));
    return open<DomainObject>(domain, value_of(host), std::move(found), value_of(host));
  });
}

memctl_error* memctl_host_domain(memctl_host* host, const memctl_identity* identity,
                                 memctl_domain** domain) {
  return guarded([&]() -> Result<void> {
    BOOST_OUTCOME_TRY(clear(domain));
    BOOST_OUTCOME_TRY(const auto object, object_of<HostObject>(host));
    BOOST_OUTCOME_TRY(auto given, identity_of(identity));
    return open<DomainObject>(domain, value_of(host), object->host.domain(std::move(given)),
                              value_of(host));
  });
}

memctl_error* memctl_host_doctor(memctl_host* host, const memctl_question_options* options,
                                 memctl_findings** findings) {
  return guarded([&]() -> Result<void> {
    BOOST_OUTCOME_TRY(clear(findings));
    BOOST_OUTCOME_TRY(const auto object, object_of<HostObject>(host));
    BOOST_OUTCOME_TRY(const auto given, question_options_of(options));
    BOOST_OUTCOME_TRY(const auto found, object->host.doctor(doctor_options(given)));
    *findings = hand_out<memctl_findings>(found);
    return success();
  });
}

memctl_error* memctl_host_start_doctor(memctl_host* host, const memctl_question_options* options,
                                       memctl_operation** operation) {
  return guarded([&]() -> Result<void> {
    BOOST_OUTCOME_TRY(clear(operation));
    BOOST_OUTCOME_TRY(const auto object, object_of<HostObject>(host));
    BOOST_OUTCOME_TRY(const auto given, question_options_of(options));
    return open<OperationObject>(operation, value_of(host),
                                 object->host.ask_doctor(doctor_options(given)));
  });
}

memctl_error* memctl_host_watch(memctl_host* host, memctl_queue* queue,
                                memctl_change_callback on_change, void* data,
                                memctl_free_callback data_free, memctl_watch** watch) {
  return guarded([&]() -> Result<void> {
    const auto held = Data::hold(data, data_free);
    BOOST_OUTCOME_TRY(clear(watch));
    BOOST_OUTCOME_TRY(const auto object, object_of<HostObject>(host));
    BOOST_OUTCOME_TRY(const auto place, queue_of(queue));
    if (!on_change) return invalid("on_change is null");
    BOOST_OUTCOME_TRY(auto begun, object->host.watch(change_callback(on_change, held, place)));
    return open<WatchObject>(watch, value_of(host), std::move(begun));
  });
}

void memctl_watch_stop(memctl_watch* watch) { close<WatchObject>(watch); }
}
