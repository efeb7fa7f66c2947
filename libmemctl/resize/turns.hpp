// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <deque>
#include <utility>

#include "host/clock.hpp"

namespace memctl::resize {

/// Lets coroutines do something one after the other, in the order in which they came. Belongs to
/// one executor.
class Turns {
 public:
  /// Gives the turn back when it is destroyed.
  class Turn {
   public:
    Turn() = default;
    Turn(Turn&& other) noexcept : turns_{std::exchange(other.turns_, nullptr)} {}
    Turn& operator=(Turn&& other) noexcept {
      std::swap(turns_, other.turns_);
      return *this;
    }
    ~Turn() {
      if (turns_ != nullptr) turns_->give_back();
    }

   private:
    friend class Turns;
    explicit Turn(Turns* turns) : turns_{turns} {}
    Turns* turns_{nullptr};
  };

  [[nodiscard]] bool taken() const { return taken_; }

  /// Waits for the turn. `wakeup` is the caller's, and this must outlive the turn.
  [[nodiscard]] boost::asio::awaitable<Turn> take(host::Clock& clock, host::Wakeup& wakeup) {
    struct Place {
      Place(Turns& turns, host::Wakeup& wakeup) : of{turns}, who{&wakeup} {
        of.waiting_.push_back(who);
      }
      Place(const Place&) = delete;
      Place& operator=(const Place&) = delete;
      ~Place() { std::erase(of.waiting_, who); }
      Turns& of;
      host::Wakeup* who;
    };
    const Place place{*this, wakeup};
    while (taken_ || waiting_.front() != &wakeup) {
      co_await clock.wait(wakeup, host::TimePoint::max());
    }
    taken_ = true;
    co_return Turn{this};
  }

 private:
  void give_back() {
    taken_ = false;
    if (!waiting_.empty()) waiting_.front()->notify();
  }

  bool taken_{false};
  std::deque<host::Wakeup*> waiting_{};
};

}  // namespace memctl::resize
