// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/progress.hpp"

#include <algorithm>
#include <utility>

#include "base/thrown.hpp"

namespace memctl::resize {
namespace {
constexpr std::chrono::milliseconds least_interval{50};

std::chrono::milliseconds whole_ms(host::Duration time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time);
}
}  // namespace

Progress::Progress(const host::Clock& clock, std::function<void(const Event&)> on_event)
    : clock_{&clock},
      on_event_{std::move(on_event)},
      started_{clock.now()},
      phase_started_{started_} {}

void Progress::begin(Phase phase, int stage, Kib from, Kib to) {
  const host::TimePoint now = clock_->now();
  if (event_) spent_.back().time += now - phase_started_;
  // The phases of later stages add to the first one's time.
  const auto known = std::ranges::find(spent_, phase, &Spent::phase);
  const Spent spent = known == spent_.end() ? Spent{phase, {}} : *known;
  if (known != spent_.end()) spent_.erase(known);
  spent_.push_back(spent);
  phase_started_ = now;
  event_ = Event{.phase = phase, .stage = stage, .from = from, .to = to, .now = from};
  told_end_ = false;
  tell_if_due(now);
}

void Progress::advance(Kib to_now) {
  if (!event_ || event_->now == to_now) return;
  event_->now = to_now;
  const host::TimePoint now = clock_->now();
  const bool at_end = to_now == event_->to;
  if (at_end ? !told_end_ : now - told_at_ >= least_interval) tell_if_due(now);
}

void Progress::tell_if_due(host::TimePoint now) {
  // Outside the stages an operation has few events.
  if (event_->stage == 0 || pace_.take(now)) tell(now);
}

void Progress::tell(host::TimePoint now) {
  told_at_ = now;
  told_end_ = event_->now == event_->to;
  event_->elapsed = whole_ms(now - started_);
  if (!on_event_ || thrown_) return;
  try {
    on_event_(*event_);
  } catch (...) {
    on_event_threw(what_was_thrown());
  }
}

void Progress::on_event_threw(std::string what) {
  if (!thrown_) thrown_ = std::move(what);
}

std::chrono::milliseconds Progress::elapsed() const { return whole_ms(clock_->now() - started_); }

std::vector<PhaseTime> Progress::times() const {
  std::vector<PhaseTime> times;
  for (const Spent& spent : spent_) times.push_back({spent.phase, whole_ms(spent.time)});
  if (!times.empty()) times.back().spent += whole_ms(clock_->now() - phase_started_);
  std::ranges::sort(times, {}, &PhaseTime::phase);
  return times;
}

}  // namespace memctl::resize
