// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fake_xenstored.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <stdexcept>

namespace memctl::test {
namespace {

// Message types and header of the xenstore protocol.
enum : std::uint32_t {
  xs_read = 2,
  xs_watch = 4,
  xs_write = 11,
  xs_rm = 13,
  xs_event = 15,
  xs_error = 16
};
struct Header {
  std::uint32_t type, request, transaction, length;
};

bool is_below(const std::string& path, const std::string& top) {
  return path == top || path.starts_with(top + '/');
}

}  // namespace

FakeXenstored::FakeXenstored(std::string socket_path)
    : path_{std::move(socket_path)}, listener_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) throw std::runtime_error{"socket path too long"};
  std::memcpy(address.sun_path, path_.data(), path_.size());
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 8) != 0) {
    throw std::runtime_error{"cannot listen on " + path_};
  }
  thread_ = std::thread{[this] { serve(); }};
}

FakeXenstored::~FakeXenstored() {
  end_ = true;
  thread_.join();
  drop_clients();
  ::close(listener_);
}

std::optional<std::string> FakeXenstored::value(const std::string& path) {
  const std::lock_guard lock{mutex_};
  const auto found = nodes_.find(path);
  return found == nodes_.end() ? std::nullopt : std::optional{found->second};
}

int FakeXenstored::writes(const std::string& path) {
  const std::lock_guard lock{mutex_};
  return writes_[path];
}

void FakeXenstored::set(const std::string& path, const std::string& value) {
  const std::lock_guard lock{mutex_};
  nodes_[path] = value;
  changed(path);
}

void FakeXenstored::replace_by_empty() {
  const std::lock_guard lock{mutex_};
  nodes_.clear();
  for (const Client& client : clients_) {
    for (const auto& [path, token] : client.watches) {
      send(client, xs_event, 0, path + '\0' + token + '\0');
    }
  }
}

bool FakeXenstored::wait(
    const std::function<bool(const std::map<std::string, std::string>&)>& condition) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, std::chrono::seconds{10}, [&] { return condition(nodes_); });
}

void FakeXenstored::drop_clients() {
  const std::lock_guard lock{mutex_};
  for (const Client& client : clients_) ::close(client.fd);
  clients_.clear();
}

void FakeXenstored::serve() {
  while (!end_) {
    std::vector<pollfd> sources{{listener_, POLLIN, 0}};
    {
      const std::lock_guard lock{mutex_};
      for (const Client& client : clients_) sources.push_back({client.fd, POLLIN, 0});
    }
    ::poll(sources.data(), sources.size(), 5);
    const std::lock_guard lock{mutex_};
    if (sources.front().revents != 0) {
      clients_.push_back({.fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)});
    }
    std::erase_if(clients_, [this](Client& client) {
      const bool open = receive(client);
      if (!open) ::close(client.fd);
      return !open;
    });
  }
}

bool FakeXenstored::receive(Client& client) {
  std::array<char, 8192> buffer;
  for (;;) {
    const ssize_t count = ::recv(client.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count == 0) return false;
    if (count < 0) break;
    client.input.append(buffer.data(), static_cast<std::size_t>(count));
  }
  Header header{};
  while (client.input.size() >= sizeof header) {
    std::memcpy(&header, client.input.data(), sizeof header);
    if (client.input.size() < sizeof header + header.length) break;
    const auto body = client.input.substr(sizeof header, header.length);
    client.input.erase(0, sizeof header + header.length);
    handle(client, header.type, header.request, body);
  }
  return true;
}

void FakeXenstored::handle(Client& client, std::uint32_t type, std::uint32_t request,
                           const std::string& body) {
  const std::string path = body.c_str();
  const auto rest = body.substr(std::min(body.size(), path.size() + 1));
  const std::string ok{"OK\0", 3};
  const std::string missing{"ENOENT\0", 7};
  switch (type) {
    case xs_read: {
      const auto found = nodes_.find(path);
      if (found == nodes_.end()) return send(client, xs_error, request, missing);
      return send(client, xs_read, request, found->second);
    }
    case xs_write:
      nodes_[path] = rest;
      ++writes_[path];
      send(client, type, request, ok);
      return changed(path);
    case xs_rm:
      std::erase_if(nodes_, [&](const auto& node) { return is_below(node.first, path); });
      send(client, type, request, ok);
      return changed(path);
    case xs_watch: {
      const std::string token = rest.c_str();
      client.watches.emplace_back(path, token);
      // As real ones may do, though a client could take this for the reply.
      send(client, xs_event, 0, path + '\0' + token + '\0');
      return send(client, type, request, ok);
    }
    default:
      return send(client, xs_error, request, std::string{"ENOSYS\0", 7});
  }
}

void FakeXenstored::changed(const std::string& path) {
  for (const Client& client : clients_) {
    for (const auto& [top, token] : client.watches) {
      if (is_below(path, top)) send(client, xs_event, 0, path + '\0' + token + '\0');
    }
  }
  changed_.notify_all();
}

void FakeXenstored::send(const Client& client, std::uint32_t type, std::uint32_t request,
                         const std::string& body) {
  const Header header{type, request, 0, static_cast<std::uint32_t>(body.size())};
  std::string message(sizeof header, '\0');
  std::memcpy(message.data(), &header, sizeof header);
  message += body;
  [[maybe_unused]] const auto sent =
      ::send(client.fd, message.data(), message.size(), MSG_NOSIGNAL);
}

}  // namespace memctl::test
