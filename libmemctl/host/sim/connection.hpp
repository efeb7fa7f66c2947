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

/// The port of one process. A world can have several, as a host has several toolstacks; when one
/// ends, its process is gone. `world` must outlive it.
class SimPort final : public Port {
 public:
  SimPort(World& world, boost::asio::io_context& context);
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
  boost::asio::io_context& context_;
  SimHypervisor hypervisor_;
  SimStore store_;
  std::string process_;
};

/// Lets `context` run over a world whose time passes while coroutines wait for it, and for nothing
/// else: idle guests stand still.
class SimConnection final : public Connection {
 public:
  /// `world` and `context` must outlive it.
  SimConnection(World& world, boost::asio::io_context& context);
  /// Keeps the world.
  SimConnection(std::unique_ptr<World> world, boost::asio::io_context& context);

  [[nodiscard]] Port& port() override { return port_; }
  [[nodiscard]] World& world() { return *world_; }
  void run() override;
  /// As `run`, but returns too when nothing can happen any more, and once `until` says so.
  /// False: nothing can happen any more.
  bool run_until(const std::function<bool()>& until);

  /// How many times as fast as real time virtual time passes at most; nothing: without a bound.
  void set_pace(std::optional<double> pace) { pace_ = pace; }

 private:
  bool advance();
  std::unique_ptr<World> owned_{};
  World* world_;
  boost::asio::io_context& context_;
  SimPort port_;
  std::optional<double> pace_{};
};

/// "" is the default world, anything else a file that describes one (docs/simulator.md).
/// Errors: `invalid_argument`, where the file cannot be read or says something impossible.
[[nodiscard]] Result<std::unique_ptr<Connection>> connect(std::string_view uri_rest,
                                                          boost::asio::io_context& context);

}  // namespace memctl::host::sim
