// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize_several.hpp"

#include <optional>
#include <string>
#include <utility>

#include "characters.hpp"
#include "display.hpp"
#include "json.hpp"
#include "output.hpp"
#include "progress_board.hpp"
#include "stopped_text.hpp"

namespace memctl::cli {
namespace {

using std::chrono::milliseconds;

/// A board is drawn at most this often, however many events come.
constexpr milliseconds shortest_tick{50};

std::vector<std::string> names_of(const std::vector<Request>& requests) {
  std::vector<std::string> names;
  names.reserve(requests.size());
  for (const Request& request : requests) names.push_back(request.identity().name);
  return names;
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
                    .message = error.message,
                    .report = std::move(report)});
}

class Several {
 public:
  Several(const std::vector<Request>& requests, const Options& options, Environment& environment)
      : requests_{requests},
        options_{options},
        environment_{environment},
        style_{style_for(options, environment)},
        board_{style_, names_of(requests)},
        log_of_(requests.size(), ProgressBar{{.live = false, .utf8 = style_.utf8}}),
        queue_{std::make_shared<EventQueue>(requests.size())},
        stopped_at_(requests.size()),
        ended_(requests.size(), false) {}

  ExitCode run() {
    for (std::size_t each = 0; each < requests_.size(); ++each) {
      operations_.push_back(start(requests_[each], each, options_, queue_));
    }
    const auto operations = operations_;
    environment_.on_interruption([queue = queue_, operations](Interruption interruption) {
      if (interruption == Interruption::leave) return queue->abandon();
      for (const Operation& operation : operations) operation.cancel();
      queue->push_cancelling();
    });
    const bool all_ended = follow();
    if (all_ended) environment_.on_interruption({});
    for (std::size_t each = 0; each < requests_.size(); ++each) {
      if (ended_[each]) continue;
      // An end may have come after the last item was taken.
      finish(each, operations_[each].done() ? ending_of(operations_[each], requests_[each])
                                            : abandoned(requests_[each], elapsed(), environment_));
    }
    if (style_.live) environment_.write_err(board_.finish());
    return code_;
  }

 private:
  /// Until all have ended. False: the user stopped waiting before.
  bool follow() {
    for (;;) {
      environment_.wait_for(*queue_, style_.live ? std::optional{live_tick} : std::nullopt);
      const EventQueue::Item item = queue_->pop();
      switch (item.kind) {
        case EventQueue::Kind::event:
          show(item.operation, item.event);
          break;
        case EventQueue::Kind::ended:
          finish(item.operation, ending_of(operations_[item.operation], requests_[item.operation]));
          break;
        case EventQueue::Kind::cancelling:
          if (!options_.json) say(cancelling_all_text());
          break;
        case EventQueue::Kind::nothing_yet:
          draw();
          break;
        case EventQueue::Kind::abandoned:
          return false;
        case EventQueue::Kind::closed:
          return true;
      }
    }
  }

  void show(std::size_t each, const Event& event) {
    if (!stopped_at_[each] && event.phase == Phase::restore) stopped_at_[each] = event.from;
    if (options_.json) {
      environment_.write_out(progress_json(event, requests_[each].identity()));
    }
    log(each, log_of_[each].show(event, 80));
    board_.show(each, event);
    last_event_ = environment_.now();
    if (last_event_ - drawn_at_ >= shortest_tick) draw();
  }

  /// Without a terminal, and if it is asked for: a line for each phase that has ended.
  void log(std::size_t each, const std::string& phase) {
    if (style_.live || options_.json || !options_.verbose || phase.empty()) return;
    environment_.write_err(printable(requests_[each].identity().name) + ": " + phase);
  }

  void draw() {
    if (!style_.live) return;
    drawn_at_ = environment_.now();
    const auto silent = std::chrono::duration_cast<milliseconds>(drawn_at_ - last_event_);
    environment_.write_err(
        board_.draw(silent, {.columns = environment_.columns(), .rows = environment_.rows()}));
  }

  [[nodiscard]] milliseconds elapsed() {
    return std::chrono::duration_cast<milliseconds>(environment_.now() - began_at_);
  }

  /// Writes a line above the board.
  void say(const std::string& text) {
    if (style_.live) environment_.write_err(board_.erase());
    environment_.write_err(text);
    draw();
  }

  void finish(std::size_t each, Ending ending) {
    ended_[each] = true;
    board_.end(each);
    ending.stopped_at = stopped_at_[each];
    log(each, log_of_[each].finish(end_of(ending.outcome), ending.elapsed));
    if (style_.live) environment_.write_err(board_.erase());
    const bool told = !ending.error || !has_ended_unnamed(options_, *ending.error);
    if (told) code_ = worse(code_, tell(std::move(ending), options_, environment_));
    draw();
  }

  const std::vector<Request>& requests_;
  const Options& options_;
  Environment& environment_;
  ProgressBar::Style style_;
  ProgressBoard board_;
  std::vector<ProgressBar> log_of_;
  std::shared_ptr<EventQueue> queue_;
  std::vector<Operation> operations_{};
  std::vector<std::optional<Kib>> stopped_at_;  ///< The sizes when restoring began.
  std::vector<bool> ended_;
  const Environment::TimePoint began_at_{environment_.now()};
  Environment::TimePoint last_event_{began_at_};
  Environment::TimePoint drawn_at_{};
  ExitCode code_{ExitCode::verified};
};

}  // namespace

Operation start(const Request& request, std::size_t number, const Options& options,
                const std::shared_ptr<EventQueue>& queue) {
  ResizeOptions resize_options = options.resize;
  resize_options.on_event = [queue, number](const Event& event) { queue->push(number, event); };
  Operation operation = request.domain.resize(request.size, std::move(resize_options));
  operation.on_end([queue, number] { queue->end(number); });
  return operation;
}

Ending ending_of(const Operation& operation, const Request& request) {
  auto result = operation.wait();
  if (result) return Ending{std::move(result).value()};
  return Ending{std::move(result).error(), request.identity(), request.requested()};
}

Ending abandoned(const Request& request, std::chrono::milliseconds elapsed,
                 Environment& environment) {
  Error error{.cause = Cause::cancelled,
              .message = request.identity().name +
                         ": interrupted again, before the earlier size and limits were restored",
              .hint = "to restore them: memctl recover " + command_word(request.identity())};
  Ending ending{std::move(error), request.identity(), request.requested()};
  ending.outcome = Outcome::failed;
  ending.elapsed = elapsed;
  note(ending, environment);
  return ending;
}

ExitCode resize_several(const std::vector<Request>& requests, const Options& options,
                        Environment& environment) {
  return Several{requests, options, environment}.run();
}

}  // namespace memctl::cli
