// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "host/factory.hpp"
#include "host/sim/hypervisor.hpp"
#include "host/sim/store.hpp"
#include "host/sim/world.hpp"

namespace memctl::host::sim {

/// The port of one process. A world can have several ports, as a host can have several toolstacks.
/// When the port is destroyed, its process is gone. `world` must outlive the port.
class SimPort final : public Port {
 public:
  explicit SimPort(World& world);
  SimPort(const SimPort&) = delete;
  SimPort& operator=(const SimPort&) = delete;
  ~SimPort() override;

  Hypervisor& hypervisor() override { return hypervisor_; }
  Store& store() override { return store_; }
  Clock& clock() override { return world_.clock(); }
  std::string self() override { return process_; }
  bool is_alive(const std::string& owner) override { return world_.is_process(owner); }

 private:
  World& world_;
  SimHypervisor hypervisor_;
  SimStore store_;
  std::string process_;
};

/// Runs `context` on a world. The world's time passes only while a coroutine waits for it, so idle
/// guests stand still.
class SimConnection final : public Connection {
 public:
  /// `world` and `context` must outlive the connection.
  SimConnection(World& world, boost::asio::io_context& context);
  /// Owns the world. `context` must outlive the connection.
  SimConnection(std::unique_ptr<World> world, boost::asio::io_context& context);

  [[nodiscard]] Port& port() override { return port_; }
  [[nodiscard]] World& world() { return *world_; }
  void run() override;
  /// Like `run`, but returns true as soon as `until()` is true, and false when nothing can happen
  /// any more.
  bool run_until(const std::function<bool()>& until);

  /// How many times as fast as real time virtual time may pass. Nothing: as fast as it can.
  void set_pace(std::optional<double> pace) { pace_ = pace; }

 private:
  bool advance();
  std::unique_ptr<World> owned_{};
  World* world_;
  boost::asio::io_context& context_;
  SimPort port_;
  std::optional<double> pace_{};
};

/// "" is the default world. Anything else is a file that describes a world (docs/simulator.md).
/// Errors: `invalid_argument` if the file cannot be read or describes something impossible.
[[nodiscard]] Result<std::unique_ptr<Connection>> connect(std::string_view uri_rest,
                                                          boost::asio::io_context& context);

}  // namespace memctl::host::sim
