// SPDX-License-Identifier: LGPL-2.1-or-later
#include "call.hpp"

#include <utility>

#include "commands.hpp"
#include "options.hpp"

namespace memctl::scenario {
namespace {

thread_local Call* call_of_this_thread = nullptr;

}  // namespace

Call::Call(Host host, const host::Clock& clock, std::vector<std::string> arguments)
    : host_{std::move(host)}, clock_{clock}, thread_{[this, words = std::move(arguments)] {
        call_of_this_thread = this;
        turn_.await_first();
        run(words);
        turn_.leave();
      }} {}

Call::~Call() { thread_.join(); }

void Call::run(const std::vector<std::string>& arguments) {
  const auto parsed = cli::parse_options(arguments);
  if (const auto* answer = std::get_if<cli::Answer>(&parsed)) {
    out_ = answer->out;
    err_ = answer->err;
    status_ = answer->exit_code;
  } else {
    status_ = static_cast<int>(cli::run(std::get<cli::Options>(parsed), *this));
  }
}

bool Call::go_on() {
  if (status_ || !ready_()) return false;
  turn_.to_call();
  return true;
}

void Call::interrupt(cli::Interruption interruption) {
  interruption_ = interruption;
  if (on_interruption_) on_interruption_(interruption);
}

void Call::on_interruption(std::function<void(cli::Interruption)> handler) {
  on_interruption_ = std::move(handler);
  if (interruption_ && on_interruption_) on_interruption_(*interruption_);
}

void Call::wait_for(cli::EventQueue& queue, std::optional<std::chrono::milliseconds>) {
  wait_until([&] { return queue.ready(); });
}

void Call::wait_for(cli::WatchQueue& queue, std::chrono::milliseconds) {
  wait_until([&] { return queue.ready(); });
}

void Call::wait_until(const std::function<bool()>& ready) {
  if (ready()) return;
  ready_ = ready;
  turn_.to_driver();
}

Call* Call::current() { return call_of_this_thread; }

}  // namespace memctl::scenario
