// SPDX-License-Identifier: LGPL-2.1-or-later
//
// `memctl._core`: the public C++ API for the package `memctl`. Scripts use the package instead.
// Every call that may wait releases the interpreter's lock first.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "channel.hpp"
#include "convert.hpp"
#include "memctl/size.hpp"
#include "memctl/version.hpp"
#include "open_host.hpp"

namespace memctl::python {
namespace {

namespace py = pybind11;

/// Returns what `call` returns. Meanwhile other threads of the interpreter run.
template <class Call>
auto unlocked(Call call) {
  const py::gil_scoped_release release;
  return call();
}

/// Releases the host without the interpreter's lock, because closing waits.
struct Closing {
  void operator()(OpenHost* host) const {
    const py::gil_scoped_release release;
    delete host;
  }
};
using Holder = std::unique_ptr<OpenHost, Closing>;

/// The reserve in KiB; for domains a name, a minimum and a maximum; whether growths are to be
/// local.
using GivenPolicy = std::tuple<
    std::int64_t,
    std::vector<std::tuple<std::string, std::optional<std::int64_t>, std::optional<std::int64_t>>>,
    bool>;

Numa numa_of(bool local) { return local ? Numa::local : Numa::any; }

std::optional<Kib> bound_of(std::optional<std::int64_t> kib) {
  if (!kib) return std::nullopt;
  return Kib{*kib};
}

Policy policy_of(const GivenPolicy& given) {
  const auto& [reserve, domains, local] = given;
  Policy policy{.host_reserve = Kib{reserve}, .numa = numa_of(local)};
  for (const auto& [name, minimum, maximum] : domains) {
    policy.domains.push_back(
        {.name = name, .minimum = bound_of(minimum), .maximum = bound_of(maximum)});
  }
  return policy;
}

Holder open(const std::string& uri, const GivenPolicy& policy, std::shared_ptr<Channel> log) {
  HostOptions options{.policy = policy_of(policy)};
  if (log) {
    options.on_log = [log](const LogLine& line) { log->post({.what = line}); };
  }
  auto host = unlocked([&] { return Host::open(uri, std::move(options)); });
  return Holder{new OpenHost{value_or_raise(std::move(host)), std::move(log)}};
}

py::tuple domains(const OpenHost& host) {
  const auto found = value_or_raise(
      unlocked([&]() -> Result<std::vector<Domain>> { return host.get().domains(); }));
  py::tuple identities{found.size()};
  for (std::size_t i = 0; i < found.size(); ++i) identities[i] = to_python(found[i].identity());
  return identities;
}

py::object domain(const OpenHost& host, const std::string& name) {
  return to_python(value_or_raise(unlocked([&] { return host.get().domain(name); })).identity());
}

/// Calls `call` with the domain, and converts its result.
template <class Call>
py::object of_domain(const OpenHost& host, const py::object& domain, Call call) {
  const DomainIdentity identity = identity_from(domain);
  return to_python(
      value_or_raise(unlocked([&] { return call(host.get().domain(identity)); }), identity));
}

py::object recover_domain(const OpenHost& host, const py::object& domain,
                          const ResizeOptions& options) {
  const DomainIdentity identity = identity_from(domain);
  auto found = unlocked([&] { return host.get().domain(identity).recover(options); });
  return to_python(DomainRecovery{identity, value_or_raise(std::move(found), identity)});
}

SizeRequest request_of(std::int64_t kib, bool relative) {
  return relative ? SizeRequest::relative(Kib{kib}) : SizeRequest{Kib{kib}};
}

ResizeOptions options(std::optional<std::int64_t> timeout_ms, std::int64_t stall_ms, bool keep,
                      bool movable, bool agentless, bool allow_hvm_devices, bool force_movable,
                      std::int64_t host_reserve_kib, bool local) {
  ResizeOptions made{.stall = std::chrono::milliseconds{stall_ms},
                     .on_failure = keep ? OnFailure::keep : OnFailure::restore,
                     .online = movable ? OnlineZone::movable : OnlineZone::kernel,
                     .agentless = agentless,
                     .allow_hvm_devices = allow_hvm_devices,
                     .force_movable = force_movable,
                     .host_reserve = Kib{host_reserve_kib},
                     .numa = numa_of(local)};
  if (timeout_ms) made.timeout = std::chrono::milliseconds{*timeout_ms};
  return made;
}

py::object value_of(const Note& note, const Recovery& recovery) {
  return to_python(DomainRecovery{note.domain.value(), recovery});
}
template <class T>
py::object value_of(const Note&, const T& value) {
  return to_python(value);
}

/// What a note tells, as the package sees it.
template <class T>
py::object news_of(const Note&, const T& news) {
  return to_python(news);
}
py::object news_of(const Note& note, const End& end) {
  return std::visit(
      [&](const auto& ended) -> py::object {
        return ended ? value_of(note, ended.value()) : to_python(ended.error(), note.domain);
      },
      end);
}
py::object news_of(const Note&, const LogLine& line) {
  return py::make_tuple(to_python(name(line.level)),
                        line.domain ? to_python(*line.domain) : py::none{}, to_python(line.message),
                        to_python(name(line.kind)),
                        line.report ? to_python(*line.report) : py::none{});
}
py::object news_of(const Note&, const Closed&) { return py::none{}; }

/// The number of a resize, a question or a watch, and its news. None: there is no news.
py::object first(const Channel& channel) {
  const auto note = channel.first();
  if (!note) return py::none{};
  const auto news = std::visit([&](const auto& told) { return news_of(*note, told); }, note->what);
  return py::make_tuple(note->number, news);
}

/// Asks the domain a question, whose answer goes to `channel`. `pose(domain)` returns what is
/// pending.
template <class Pose>
std::uint64_t ask(OpenHost& host, const py::object& domain, std::shared_ptr<Channel> channel,
                  Pose pose) {
  const DomainIdentity identity = identity_from(domain);
  return unlocked([&] {
    return host.ask([&](const Host& open) { return pose(open.domain(identity)); },
                    std::move(channel), identity);
  });
}

/// The size in KiB, and whether it is relative.
py::tuple parse(const std::string& text) {
  const SizeRequest request = value_or_raise(parse_size(text));
  return py::make_tuple(request.amount.count(), request.kind == SizeRequest::Kind::relative);
}

template <class Enum>
py::tuple names(Enum first, Enum last) {
  py::list all;
  for (int value = static_cast<int>(first); value <= static_cast<int>(last); ++value) {
    all.append(to_python(name(static_cast<Enum>(value))));
  }
  return py::tuple{all};
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  module.attr("version") = version();
  module.def("parse_size", &parse);
  module.def("command_word",
             [](const py::object& domain) { return command_word(identity_from(domain)); });
  module.def("format_size", [](std::int64_t kib) { return to_string(Kib{kib}); });
  module.attr("causes") = names(Cause::no_xen, Cause::hypervisor_error);
  module.attr("checks") = names(Check::xen_version, Check::xenstored);

  // NOLINTNEXTLINE(performance-unnecessary-value-param): pybind11 wants a function of this type
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const HostClosed& closed) {
      PyErr_SetString(py::module_::import("memctl.errors").attr("HostClosed").ptr(), closed.what());
    }
  });

  py::class_<ResizeOptions>(module, "Options")
      .def(py::init(&options), py::kw_only(), py::arg("timeout_ms"), py::arg("stall_ms"),
           py::arg("keep"), py::arg("movable"), py::arg("agentless"), py::arg("allow_hvm_devices"),
           py::arg("force_movable"), py::arg("host_reserve_kib"), py::arg("local"));

  py::class_<Channel, std::shared_ptr<Channel>>(module, "Channel")
      .def(py::init<>())
      .def("fileno", &Channel::fileno)
      .def("first", &first)
      .def("remove_first", &Channel::remove_first);

  const auto released = py::call_guard<py::gil_scoped_release>();
  py::class_<OpenHost, Holder>(module, "OpenHost")
      .def(py::init(&open), py::arg("uri"), py::arg("policy"), py::arg("log").none(true))
      .def("set_policy",
           [](const OpenHost& host, const GivenPolicy& policy) {
             value_or_raise(host.get().set_policy(policy_of(policy)));
           })
      .def("watch",
           [](OpenHost& host, std::shared_ptr<Channel> channel) {
             return value_or_raise(unlocked([&] { return host.watch(std::move(channel)); }));
           })
      .def("stop_watch", &OpenHost::stop_watch, released)
      .def_property_readonly("closed", &OpenHost::is_closed)
      .def("close", &OpenHost::close, released)
      .def("domains", &domains)
      .def("domain", &domain, py::arg("name"))
      .def("doctor",
           [](const OpenHost& host, const ResizeOptions& options) {
             return to_python(value_or_raise(
                 unlocked([&] { return host.get().doctor(doctor_options(options)); })));
           })
      .def("status",
           [](const OpenHost& host, const py::object& domain, const ResizeOptions& options) {
             return of_domain(host, domain, [&](const Domain& one) {
               return one.status(status_options(options));
             });
           })
      .def("plan",
           [](const OpenHost& host, const py::object& domain, std::int64_t kib, bool relative,
              const ResizeOptions& options) {
             return of_domain(host, domain, [&](const Domain& one) {
               return one.plan_resize(request_of(kib, relative), plan_options(options));
             });
           })
      .def("examine",
           [](const OpenHost& host, const py::object& domain, const ResizeOptions& options) {
             return of_domain(host, domain, [&](const Domain& one) {
               return one.doctor(doctor_options(options));
             });
           })
      .def("recover", &recover_domain)
      .def("ask_host_doctor",
           [](OpenHost& host, const ResizeOptions& options, std::shared_ptr<Channel> channel) {
             return unlocked([&] {
               return host.ask(
                   [&](const Host& open) { return open.ask_doctor(doctor_options(options)); },
                   std::move(channel));
             });
           })
      .def("ask_status",
           [](OpenHost& host, const py::object& domain, const ResizeOptions& options,
              std::shared_ptr<Channel> channel) {
             return ask(host, domain, std::move(channel),
                        [&](const Domain& one) { return one.ask_status(status_options(options)); });
           })
      .def("ask_plan",
           [](OpenHost& host, const py::object& domain, std::int64_t kib, bool relative,
              const ResizeOptions& options, std::shared_ptr<Channel> channel) {
             return ask(host, domain, std::move(channel), [&](const Domain& one) {
               return one.ask_plan(request_of(kib, relative), plan_options(options));
             });
           })
      .def("ask_doctor",
           [](OpenHost& host, const py::object& domain, const ResizeOptions& options,
              std::shared_ptr<Channel> channel) {
             return ask(host, domain, std::move(channel),
                        [&](const Domain& one) { return one.ask_doctor(doctor_options(options)); });
           })
      .def("start_recovery",
           [](OpenHost& host, const py::object& domain, const ResizeOptions& options,
              std::shared_ptr<Channel> channel) {
             return ask(host, domain, std::move(channel),
                        [&](const Domain& one) { return one.start_recovery(options); });
           })
      .def(
          "recover_all",
          [](const OpenHost& host, const ResizeOptions& options) {
            return to_python(value_or_raise(unlocked([&] { return host.get().recover(options); })));
          })
      .def("start",
           [](OpenHost& host, const py::object& domain, std::int64_t kib, bool relative,
              const ResizeOptions& options, std::shared_ptr<Channel> channel, bool tell_events) {
             const DomainIdentity identity = identity_from(domain);
             return unlocked([&] {
               return host.start(identity, request_of(kib, relative), options, std::move(channel),
                                 tell_events);
             });
           })
      .def("cancel", &OpenHost::cancel, released);
}

}  // namespace memctl::python
