// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/xen/watches.hpp"

#include <utility>

#include "host/xen/errors.hpp"

namespace memctl::host::xen {

class Watches::Registered final : public Watch {
 public:
  Registered(std::weak_ptr<Watches> watches, std::shared_ptr<WatchState> state)
      : watches_{std::move(watches)}, state_{std::move(state)} {}
  ~Registered() override {
    if (const auto watches = watches_.lock()) watches->remove(*state_);
  }
  Registered(const Registered&) = delete;
  Registered& operator=(const Registered&) = delete;

  [[nodiscard]] bool take() override { return std::exchange(state_->changed, false); }

 private:
  std::weak_ptr<Watches> watches_;
  std::shared_ptr<WatchState> state_;
};

Watches::Watches(StoreHandle handle, boost::asio::io_context& context)
    : handle_{std::move(handle)}, events_{context} {
  const int fd = xs_fileno(handle_.get());
  if (fd >= 0) events_.assign(fd);
}

// libxenstore owns the descriptor and closes it.
Watches::~Watches() { (void)events_.release(); }

Result<std::unique_ptr<Watch>> Watches::add(const std::string& path, Wakeup& wakeup) {
  if (!events_.is_open()) return store_failed("watch", path, EMFILE);
  // Each watch has a new token, because events of a watch that has ended may still arrive.
  auto state =
      std::make_shared<WatchState>(path, "memctl-" + std::to_string(++last_token_), wakeup);
  if (!xs_watch(handle_.get(), path.c_str(), state->token.c_str())) {
    return store_failed("watch", path, errno);
  }
  by_token_.emplace(state->token, state);
  auto watch = std::make_unique<Registered>(weak_from_this(), std::move(state));
  wakeup.notify();
  listen();
  return watch;
}

void Watches::remove(WatchState& state) {
  if (!state.flooded) {
    // This fails if the watched node has gone with its domain; then the watch has ended already.
    (void)xs_unwatch(handle_.get(), state.path.c_str(), state.token.c_str());
  }
  by_token_.erase(state.token);
  if (by_token_.empty()) events_.cancel();
}

void Watches::listen() {
  if (listening_ || lost_ || by_token_.empty()) return;
  listening_ = true;
  events_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [weak = weak_from_this()](const boost::system::error_code& error) {
                       const auto self = weak.lock();
                       if (!self) return;
                       self->listening_ = false;
                       if (!error) self->take_events();
                       self->listen();
                     });
}

void Watches::take_events() {
  // The descriptor may stop being readable while the list still has events, so take all of them.
  for (;;) {
    errno = 0;
    const std::unique_ptr<char*, decltype(&std::free)> event{xs_check_watch(handle_.get()),
                                                             &std::free};
    if (!event) break;
    on_event(event.get()[XS_WATCH_TOKEN]);
  }
  if (errno != EAGAIN) on_lost_connection();
}

void Watches::on_event(const char* token) {
  const auto found = by_token_.find(std::string_view{token});
  if (found == by_token_.end()) return;
  WatchState& state = *found->second;
  if (state.on_event(std::chrono::steady_clock::now()) == WatchState::Verdict::flooded) {
    (void)xs_unwatch(handle_.get(), state.path.c_str(), state.token.c_str());
  }
  state.wakeup->notify();
}

/// Wakes all waiting coroutines. Their next call to xenstore returns the error.
void Watches::on_lost_connection() {
  lost_ = true;
  for (const auto& [token, state] : by_token_) {
    state->changed = true;
    state->wakeup->notify();
  }
}

}  // namespace memctl::host::xen
