// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace memctl::test {

/// xenstored's wire protocol on a socket, as far as a guest's agent uses it: read, write, rm and
/// watch of relative paths. A client finds it by XENSTORED_PATH. Thread-safe.
class FakeXenstored {
 public:
  explicit FakeXenstored(std::string socket_path);
  ~FakeXenstored();
  FakeXenstored(const FakeXenstored&) = delete;
  FakeXenstored& operator=(const FakeXenstored&) = delete;

  [[nodiscard]] std::optional<std::string> value(const std::string& path);
  [[nodiscard]] int writes(const std::string& path);
  /// Fires watches.
  void set(const std::string& path, const std::string& value);
  /// Acts as a restore does: another, empty store, in which the watches are registered again.
  void replace_by_empty();
  /// Waits for a state of the nodes; false after 10 s.
  bool wait(const std::function<bool(const std::map<std::string, std::string>&)>& condition);
  void drop_clients();

 private:
  struct Client {
    int fd{};
    std::string input{};
    std::vector<std::pair<std::string, std::string>> watches{};  ///< path and token
  };

  void serve();
  bool receive(Client& client);
  void handle(Client& client, std::uint32_t type, std::uint32_t request, const std::string& body);
  void changed(const std::string& path);
  static void send(const Client& client, std::uint32_t type, std::uint32_t request,
                   const std::string& body);

  std::string path_;
  int listener_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::string> nodes_;
  std::map<std::string, int> writes_;
  std::vector<Client> clients_;
  std::atomic<bool> end_{false};
  std::thread thread_;
};

}  // namespace memctl::test
