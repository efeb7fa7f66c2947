// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resize/wish.hpp"

#include <utility>

#include "base/domain_error.hpp"

namespace memctl::resize {
namespace {

std::string in_words(std::chrono::milliseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  return seconds == time ? std::to_string(seconds.count()) + " s"
                         : std::to_string(time.count()) + " ms";
}

}  // namespace

Wish::Wish(const host::Clock& clock, host::Wakeup& wakeup, const Progress& progress,
           const DomainIdentity& domain, std::optional<std::chrono::milliseconds> timeout,
           std::function<std::string()> how_far)
    : clock_{&clock},
      wakeup_{&wakeup},
      progress_{&progress},
      domain_{&domain},
      timeout_{timeout},
      how_far_{std::move(how_far)} {
  restart_deadline();
}

void Wish::cancel() {
  cancelled_ = true;
  wakeup_->notify();
}

void Wish::restart_deadline() {
  if (timeout_) deadline_ = clock_->now() + *timeout_;
}

Result<void> Wish::require() const {
  if (cancelled_) return domain_error(*domain_, Cause::cancelled, "cancelled");
  if (deadline_ && clock_->now() >= *deadline_) {
    return domain_error(*domain_, Cause::deadline,
                        "timed out after " + in_words(*timeout_) + how_far_());
  }
  if (const auto& thrown = progress_->thrown()) {
    return domain_error(*domain_, Cause::cancelled, "on_event threw: " + *thrown);
  }
  return success();
}

std::optional<host::TimePoint> Wish::ends_at() const {
  if (cancelled_ || progress_->thrown()) return host::TimePoint{};
  return deadline_;
}

}  // namespace memctl::resize
