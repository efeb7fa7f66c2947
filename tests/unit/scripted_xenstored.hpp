// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "agent/file.hpp"

namespace memctl::test {

/// A message of xenstore's protocol, in a layout of this file's own.
struct XsMessage {
  enum Type : std::uint32_t { read = 2, watch = 4, write = 11, rm = 13, event = 15, error = 16 };

  std::uint32_t type{};
  std::uint32_t request{};
  std::string body{};

  [[nodiscard]] std::string bytes() const { return announced(body.size()); }
  /// With another length in its header than the body has.
  [[nodiscard]] std::string announced(std::size_t length) const {
    const std::uint32_t header[]{type, request, 0, static_cast<std::uint32_t>(length)};
    std::string bytes(sizeof header, '\0');
    std::memcpy(bytes.data(), header, sizeof header);
    return bytes + body;
  }
};

/// xenstored at the other end of a socket, with nodes. A test's script may replace what it answers.
class ScriptedXenstored {
 public:
  /// Gets a request and the honest reply, and returns the bytes to send. Nothing: say nothing.
  using Script = std::function<std::string(const XsMessage& request, const XsMessage& reply)>;

  ScriptedXenstored() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::terminate();
    own_ = agent::Fd{ends[0]};
    clients_ = agent::Fd{ends[1]};
    thread_ = std::thread{[this] { serve(); }};
  }
  ScriptedXenstored(const ScriptedXenstored&) = delete;
  ScriptedXenstored& operator=(const ScriptedXenstored&) = delete;
  ~ScriptedXenstored() {
    close();
    thread_.join();
  }

  /// The client's end. Can be taken once.
  agent::Fd client() { return std::move(clients_); }
  void follow(Script script) {
    const std::lock_guard lock{mutex_};
    script_ = std::move(script);
  }
  /// Sends each byte by itself.
  void dribble() { piece_ = 1; }
  /// Sends bytes of nobody's asking.
  void send(const std::string& bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += piece_) {
      const auto count = std::min(piece_.load(), bytes.size() - at);
      static_cast<void>(::send(own_.get(), bytes.data() + at, count, MSG_NOSIGNAL));
    }
  }
  void close() { ::shutdown(own_.get(), SHUT_RDWR); }
  int requests() {
    const std::lock_guard lock{mutex_};
    return requests_;
  }

 private:
  bool take(void* place, std::size_t size) {
    for (std::size_t got = 0; got < size;) {
      const auto count = ::read(own_.get(), static_cast<char*>(place) + got, size - got);
      if (count <= 0) return false;
      got += static_cast<std::size_t>(count);
    }
    return true;
  }

  void serve() {
    std::uint32_t header[4];
    while (take(header, sizeof header)) {
      XsMessage request{.type = header[0], .request = header[1], .body = {}};
      request.body.resize(header[3]);
      if (!take(request.body.data(), request.body.size())) return;
      const std::lock_guard lock{mutex_};
      ++requests_;
      const XsMessage reply = answer(request);
      const std::string bytes = script_ ? script_(request, reply) : reply.bytes();
      if (bytes == "close") return close();
      send(bytes);
    }
  }

  XsMessage answer(const XsMessage& request) {
    XsMessage reply{.type = request.type, .request = request.request, .body = {"OK\0", 3}};
    const std::string path = request.body.c_str();
    switch (request.type) {
      case XsMessage::read:
        if (!nodes_.contains(path)) {
          return {.type = XsMessage::error, .request = request.request, .body = {"ENOENT\0", 7}};
        }
        reply.body = nodes_[path];
        break;
      case XsMessage::write:
        nodes_[path] = request.body.substr(path.size() + 1);
        break;
      case XsMessage::rm:
        nodes_.erase(path);
        break;
      default:
        break;
    }
    return reply;
  }

  agent::Fd own_;
  agent::Fd clients_;
  std::mutex mutex_;
  Script script_;
  std::atomic<std::size_t> piece_{1U << 20U};
  std::map<std::string, std::string> nodes_;
  int requests_{0};
  std::thread thread_;
};

}  // namespace memctl::test
