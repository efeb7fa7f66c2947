// SPDX-License-Identifier: LGPL-2.1-or-later
#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <variant>

#include "commands.hpp"
#include "ending.hpp"
#include "event_queue.hpp"
#include "exit_code.hpp"
#include "json.hpp"
#include "memctl/host.hpp"
#include "memctl/size.hpp"
#include "open_host.hpp"
#include "output.hpp"
#include "progress_bar.hpp"
#include "signals.hpp"
#include "terminal.hpp"

namespace memctl::cli {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// Writes an operation's events: for programs, on a terminal, or not.
class Display {
 public:
  explicit Display(const Options& options)
      : json_{options.json},
        live_{!options.json && is_live_terminal(STDERR_FILENO)},
        visible_{live_ || (!options.json && options.verbose)},
        bar_{{.live = live_, .utf8 = locale_is_utf8(), .colour = live_ && colour_wanted()}} {}

  /// Until the operation has ended; false where nobody waits for that.
  [[nodiscard]] bool follow(EventQueue& queue) {
    last_event_ = Clock::now();
    for (;;) {
      const EventQueue::Item item = queue.pop(milliseconds{500});
      switch (item.kind) {
        case EventQueue::Kind::event:
          last_event_ = Clock::now();
          elapsed_ = item.event.elapsed;
          if (json_) write_all(STDOUT_FILENO, progress_json(item.event));
          if (visible_) write_all(STDERR_FILENO, bar_.show(item.event, columns()));
          break;
        case EventQueue::Kind::cancelling:
          if (!json_) write_all(STDERR_FILENO, bar_.note("cancelling, restoring...", columns()));
          break;
        case EventQueue::Kind::nothing_yet:
          if (visible_) {
            write_all(STDERR_FILENO, bar_.tick(silent(), columns()));
          }
          break;
        case EventQueue::Kind::abandoned:
          return false;
        case EventQueue::Kind::closed:
          return true;
      }
    }
  }

  void end(Outcome outcome, milliseconds elapsed) {
    if (visible_) write_all(STDERR_FILENO, bar_.finish(end_of(outcome), elapsed));
  }

  /// Of an operation that goes on, or would.
  [[nodiscard]] milliseconds elapsed() const { return elapsed_ + silent(); }

 private:
  [[nodiscard]] milliseconds silent() const {
    return std::chrono::duration_cast<milliseconds>(Clock::now() - last_event_);
  }
  /// The last phase of an operation that was restored is the restoring, and that succeeded.
  static ProgressBar::End end_of(Outcome outcome) {
    if (outcome == Outcome::refused) return ProgressBar::End::refused;
    const bool done = outcome == Outcome::verified || outcome == Outcome::restored;
    return done ? ProgressBar::End::done : ProgressBar::End::failed;
  }
  [[nodiscard]] int columns() const { return live_ ? terminal_columns(STDERR_FILENO) : 80; }

  bool json_;
  bool live_;
  bool visible_;
  ProgressBar bar_;
  Clock::time_point last_event_{};
  milliseconds elapsed_{};
};

int write_out(const Output& output) {
  write_all(STDOUT_FILENO, output.out);
  write_all(STDERR_FILENO, output.err);
  return static_cast<int>(output.code);
}

int conclude(const Options& options, const Ending& ending) {
  return write_out(output_of(options, ending));
}

/// What a request names, once it could be looked up.
struct Request {
  Domain domain;
  SizeRequest size;

  [[nodiscard]] std::optional<Kib> requested() const {
    if (size.kind == SizeRequest::Kind::relative) return std::nullopt;
    return size.amount;
  }
};

/// The request, or how it ended before it began.
std::variant<Request, Ending> look_up(const Options& options) {
  auto size = parse_size(options.size);
  if (!size) return Ending{std::move(size).error(), std::nullopt, std::nullopt};
  std::optional<Kib> requested;
  if (size.value().kind == SizeRequest::Kind::absolute) requested = size.value().amount;
  const auto& host = open_host(options.host);
  if (!host) return Ending{host.error(), std::nullopt, requested};
  auto domain = host.value().domain(options.domain);
  if (!domain) return Ending{std::move(domain).error(), std::nullopt, requested};
  return Request{std::move(domain).value(), size.value()};
}

/// Ends the process in the middle of an operation. Its record stays, with an owner that is dead.
[[noreturn]] void abandon(const Request& request, const Options& options) {
  const DomainIdentity domain = request.domain.identity();
  Error error{.cause = Cause::cancelled,
              .message = "interrupted again, before the earlier size and limits were back",
              .hint = "to bring them back: memctl recover " + domain.name};
  Ending ending{std::move(error), domain, request.requested()};
  ending.outcome = Outcome::failed;
  ::_exit(conclude(options, ending));
}

Ending resize(const Request& request, const Options& options, SignalWatch& signals) {
  const auto queue = std::make_shared<EventQueue>();
  ResizeOptions resize_options = options.resize;
  resize_options.on_event = [queue](const Event& event) { queue->push(event); };
  Operation operation = request.domain.resize(request.size, std::move(resize_options));
  signals.on_signal([queue, operation](SignalWatch::Wish wish) mutable {
    switch (wish) {
      case SignalWatch::Wish::cancel:
        operation.cancel();
        return queue->push_cancelling();
      case SignalWatch::Wish::leave:
        return queue->abandon();
      case SignalWatch::Wish::exit:
        ::_exit(static_cast<int>(ExitCode::left_behind));
    }
  });

  std::optional<Result<Report>> result;
  std::thread waiter{[&] {
    result.emplace(operation.wait());
    queue->close();
  }};
  Display display{options};
  if (!display.follow(*queue)) {
    display.end(Outcome::failed, display.elapsed());
    abandon(request, options);
  }
  waiter.join();
  signals.on_signal([](SignalWatch::Wish) {});  // it has ended: nothing is left to cancel

  Ending ending =
      *result ? Ending{std::move(*result).value()}
              : Ending{std::move(*result).error(), request.domain.identity(), request.requested()};
  display.end(ending.outcome, ending.elapsed);
  return ending;
}

}  // namespace

int run_resize(const Options& options) {
  SignalWatch signals;  // before the host, which starts threads
  const auto looked_up = look_up(options);
  if (const auto* ending = std::get_if<Ending>(&looked_up)) return conclude(options, *ending);
  return conclude(options, resize(std::get<Request>(looked_up), options, signals));
}

int run_plan(const Options& options) {
  const auto looked_up = look_up(options);
  if (const auto* ending = std::get_if<Ending>(&looked_up)) return conclude(options, *ending);
  const auto& request = std::get<Request>(looked_up);
  auto plan = request.domain.plan_resize(request.size, options.resize);
  if (!plan) {
    return conclude(
        options, Ending{std::move(plan).error(), request.domain.identity(), request.requested()});
  }
  return write_out(output_of(options, plan.value()));
}

}  // namespace memctl::cli
