// SPDX-License-Identifier: LGPL-2.1-or-later
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "commands.hpp"
#include "display.hpp"
#include "ending.hpp"
#include "event_queue.hpp"
#include "memctl/size.hpp"
#include "output.hpp"

namespace memctl::cli {
namespace {

/// A request whose domain and size are known.
struct Request {
  Domain domain;
  SizeRequest size;

  [[nodiscard]] std::optional<Kib> requested() const {
    if (size.kind == SizeRequest::Kind::relative) return std::nullopt;
    return size.amount;
  }
};

/// The request, or how it ended before a resize began.
std::variant<Request, Ending> look_up(const Options& options, Environment& environment) {
  auto size = parse_size(options.size);
  if (!size) return Ending{std::move(size).error(), std::nullopt, std::nullopt};
  std::optional<Kib> requested;
  if (size.value().kind == SizeRequest::Kind::absolute) requested = size.value().amount;
  const auto host = environment.open_host(options.host);
  if (!host) return Ending{host.error(), std::nullopt, requested};
  auto domain = host.value().domain(options.domain);
  if (!domain) return Ending{std::move(domain).error(), std::nullopt, requested};
  return Request{std::move(domain).value(), size.value()};
}

/// The process ends during an operation, whose end the host's log will not tell.
void note(const Ending& ending, Environment& environment) {
  const Error& error = *ending.error;
  Report report{.outcome = ending.outcome,
                .cause = error.cause,
                .message = error.message,
                .hint = error.hint,
                .domain = *ending.domain,
                .requested = ending.requested.value_or(Kib{}),
                .elapsed = ending.elapsed};
  environment.note({.level = LogLevel::warning,
                    .kind = LineKind::resize_ended,
                    .domain = ending.domain,
                    .message = ending.domain->name + ": " + error.message,
                    .report = std::move(report)});
}

/// The process ends during an operation. The operation's record stays, and memctl recover will find
/// its owner dead.
Ending abandoned(const Request& request, const Options& options) {
  Error error{.cause = Cause::cancelled,
              .message = "interrupted again, before the earlier size and limits were restored",
              .hint = "to restore them: memctl recover " + options.domain};
  Ending ending{std::move(error), request.domain.identity(), request.requested()};
  ending.outcome = Outcome::failed;
  return ending;
}

Ending resize(const Request& request, const Options& options, Environment& environment) {
  const auto queue = std::make_shared<EventQueue>();
  ResizeOptions resize_options = options.resize;
  resize_options.on_event = [queue](const Event& event) { queue->push(event); };
  Operation operation = request.domain.resize(request.size, std::move(resize_options));
  operation.on_end([queue] { queue->close(); });
  environment.on_interruption([queue, operation](Interruption interruption) mutable {
    if (interruption == Interruption::leave) return queue->abandon();
    operation.cancel();
    queue->push_cancelling();
  });

  Display display{options, request.domain.identity().name, environment};
  if (!display.follow(*queue)) {
    display.end(Outcome::failed, display.elapsed());
    Ending ending = abandoned(request, options);
    ending.elapsed = display.elapsed();
    note(ending, environment);
    return ending;
  }
  environment.on_interruption({});  // the operation has ended, so there is nothing to cancel

  auto result = operation.wait();
  Ending ending =
      result ? Ending{std::move(result).value()}
             : Ending{std::move(result).error(), request.domain.identity(), request.requested()};
  ending.stopped_at = display.stopped_at();
  display.end(ending.outcome, ending.elapsed);
  return ending;
}

/// Writes how the request ended.
ExitCode tell(Ending ending, const Options& options, Environment& environment) {
  const auto& configuration = environment.configuration();
  if (ending.error && ending.domain && configuration) {
    ending.error =
        with_source(*std::move(ending.error), ending.domain->name, configuration.value());
  }
  return write(output_of(options, ending), environment);
}

}  // namespace

ExitCode run_resize(const Options& options, Environment& environment) {
  auto looked_up = look_up(options, environment);
  if (auto* ending = std::get_if<Ending>(&looked_up)) {
    return tell(std::move(*ending), options, environment);
  }
  const auto& request = std::get<Request>(looked_up);
  return tell(resize(request, options, environment), options, environment);
}

ExitCode run_plan(const Options& options, Environment& environment) {
  auto looked_up = look_up(options, environment);
  if (auto* ending = std::get_if<Ending>(&looked_up)) {
    return tell(std::move(*ending), options, environment);
  }
  const auto& request = std::get<Request>(looked_up);
  auto plan = request.domain.plan_resize(request.size, plan_options(options.resize));
  if (plan) {
    const auto& configuration = environment.configuration();
    if (configuration) {
      plan.value().range = with_source(std::move(plan.value().range), plan.value().domain.name,
                                       configuration.value());
    }
    return write(output_of(options, plan.value()), environment);
  }
  return tell({std::move(plan).error(), request.domain.identity(), request.requested()}, options,
              environment);
}

}  // namespace memctl::cli
