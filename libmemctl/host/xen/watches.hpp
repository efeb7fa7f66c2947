// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <map>
#include <memory>
#include <string>

#include "host/store.hpp"
#include "host/xen/store_handle.hpp"
#include "host/xen/watch_state.hpp"

namespace memctl::host::xen {

/// All watches of one connection. When there is a watch, libxenstore reads events on a thread of
/// its own, so xenstored never waits for this process. This class takes all events from
/// libxenstore's list each time it wakes, and keeps one flag for each watch.
///
/// While there is a watch, waiting for its events counts as work of the io_context.
class Watches : public std::enable_shared_from_this<Watches> {
 public:
  Watches(StoreHandle handle, boost::asio::io_context& context);
  ~Watches();
  Watches(const Watches&) = delete;
  Watches& operator=(const Watches&) = delete;

  /// The watch may outlive this object, and then never notifies. Errors: `store_error`,
  /// `not_permitted`.
  [[nodiscard]] Result<std::unique_ptr<Watch>> add(const std::string& path, Wakeup& wakeup);

 private:
  class Registered;
  void remove(WatchState& state);
  void listen();
  void take_events();
  void on_event(const char* token);
  void on_lost_connection();

  StoreHandle handle_;
  boost::asio::posix::stream_descriptor events_;
  std::map<std::string, std::shared_ptr<WatchState>, std::less<>> by_token_;
  std::uint64_t last_token_{0};
  bool listening_{false};
  bool lost_{false};
};

}  // namespace memctl::host::xen
