// SPDX-License-Identifier: LGPL-2.1-or-later
#include "display.hpp"

#include <utility>

#include "json.hpp"
#include "stopped_text.hpp"

namespace memctl::cli {

using std::chrono::milliseconds;

ProgressBar::End end_of(Outcome outcome) {
  if (outcome == Outcome::refused) return ProgressBar::End::refused;
  const bool done = outcome == Outcome::verified || outcome == Outcome::restored;
  return done ? ProgressBar::End::done : ProgressBar::End::failed;
}

ProgressBar::Style style_for(const Options& options, Environment& environment) {
  ProgressBar::Style style = environment.style();
  style.live = options.live || (style.live && !options.quiet);
  style.live = style.live && !options.json;
  return style;
}

Display::Display(const Options& options, DomainIdentity domain, Environment& environment)
    : environment_{environment},
      style_{style_for(options, environment)},
      bar_{style_},
      json_{options.json},
      visible_{style_.live || (!options.json && options.verbose)},
      keep_{options.resize.on_failure == OnFailure::keep},
      domain_{std::move(domain)},
      last_event_{environment.now()} {}

bool Display::follow(EventQueue& queue) {
  for (;;) {
    environment_.wait_for(queue, style_.live ? std::optional{live_tick} : std::nullopt);
    const EventQueue::Item item = queue.pop();
    switch (item.kind) {
      case EventQueue::Kind::event:
        show(item.event);
        break;
      case EventQueue::Kind::cancelling:
        if (!json_) show_cancelling();
        break;
      case EventQueue::Kind::nothing_yet:
        if (visible_) environment_.write_err(bar_.tick(silent(), columns()));
        break;
      case EventQueue::Kind::ended:
        break;
      case EventQueue::Kind::abandoned:
        return false;
      case EventQueue::Kind::closed:
        return true;
    }
  }
}

void Display::end(Outcome outcome, milliseconds elapsed) {
  if (visible_) environment_.write_err(bar_.finish(end_of(outcome), elapsed));
}

void Display::show(const Event& event) {
  last_event_ = environment_.now();
  elapsed_ = event.elapsed;
  if (!before_ && event.from != Kib{}) before_ = event.from;
  if (!stopped_at_ && event.phase == Phase::restore) stopped_at_ = event.from;
  if (json_) environment_.write_out(progress_json(event, domain_));
  if (visible_) environment_.write_err(bar_.show(event, columns()));
}

void Display::show_cancelling() {
  const auto back_to = keep_ ? std::nullopt : before_;
  environment_.write_err(bar_.note(cancelling_text(domain_.name, back_to), columns()));
}

milliseconds Display::silent() const {
  return std::chrono::duration_cast<milliseconds>(environment_.now() - last_event_);
}

}  // namespace memctl::cli
