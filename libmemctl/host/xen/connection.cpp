// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/xen/connection.hpp"

#include <utility>

#include "host/xen/clock.hpp"
#include "host/xen/control.hpp"
#include "host/xen/hypervisor.hpp"
#include "host/xen/libxl_context.hpp"
#include "host/xen/process.hpp"
#include "host/xen/store.hpp"
#include "host/xen/workers.hpp"

namespace memctl::host::xen {
namespace {

class XenPort final : public Port {
 public:
  XenPort(boost::asio::io_context& context, std::unique_ptr<Control> control, StoreHandle store,
          std::unique_ptr<LibxlContext> libxl)
      : context_{context},
        control_{std::move(control)},
        store_{std::move(store), context},
        libxl_{std::move(libxl)},
        workers_{context.get_executor()},
        hypervisor_{*control_, store_, libxl_, workers_},
        clock_{context.get_executor()} {}

  [[nodiscard]] Hypervisor& hypervisor() override { return hypervisor_; }
  [[nodiscard]] Store& store() override { return store_; }
  [[nodiscard]] Clock& clock() override { return clock_; }
  [[nodiscard]] std::string self() override { return this_process(); }
  [[nodiscard]] bool is_alive(const std::string& owner) override { return is_process_alive(owner); }

 private:
  boost::asio::io_context& context_;
  std::unique_ptr<Control> control_;
  XenStore store_;
  LibxlContexts libxl_;  // Before the workers, because the workers' threads use the contexts.
  Workers workers_;
  XenHypervisor hypervisor_;
  SteadyClock clock_;
};

class XenConnection final : public Connection {
 public:
  XenConnection(boost::asio::io_context& context, std::unique_ptr<Control> control,
                StoreHandle store, std::unique_ptr<LibxlContext> libxl)
      : context_{context}, port_{context, std::move(control), std::move(store), std::move(libxl)} {}

  [[nodiscard]] Port& port() override { return port_; }
  void run() override { context_.run(); }

 private:
  boost::asio::io_context& context_;
  XenPort port_;
};

}  // namespace

Result<std::unique_ptr<Connection>> connect(boost::asio::io_context& context) {
  BOOST_OUTCOME_TRY(auto control, Control::open());
  BOOST_OUTCOME_TRY(auto store, open_store(*control));
  BOOST_OUTCOME_TRY(auto libxl, LibxlContext::open());
  return std::make_unique<XenConnection>(context, std::move(control), std::move(store),
                                         std::move(libxl));
}

}  // namespace memctl::host::xen
