// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "host/xen/log_capture.hpp"
#include "memctl/error.hpp"
#include "memctl/units.hpp"

struct libxl__ctx;  // NOLINT(bugprone-reserved-identifier): the name is libxl's

namespace memctl::host::xen {

/// The part of a domain's facts that only libxl knows.
struct LibxlFacts {
  bool has_stored_configuration{};
  std::optional<Kib> boot_limit{};
  std::optional<Kib> boot_size{};
  std::optional<Kib> frozen_pool{};
  bool in_shim{};
  std::optional<bool> emulated_dma_devices{};
  std::optional<int> passthrough_devices{};
};

/// One libxl context. Every call takes libxl's lock of the domain, which another tool can hold for
/// a long time, and holds the context's own lock meanwhile. So only the workers' threads make these
/// calls, one thread at a time.
class LibxlContext {
 public:
  /// Errors: `hypervisor_error` with libxl's log lines.
  [[nodiscard]] static Result<std::unique_ptr<LibxlContext>> open();
  ~LibxlContext();
  LibxlContext(const LibxlContext&) = delete;
  LibxlContext& operator=(const LibxlContext&) = delete;

  [[nodiscard]] Result<LibxlFacts> facts(DomainId domain);
  /// libxl_domain_setmaxmem.
  [[nodiscard]] Result<void> set_limit(DomainId domain, Kib limit);
  /// libxl_set_memory_target, absolute: libxl subtracts the video RAM.
  [[nodiscard]] Result<void> set_size(DomainId domain, Kib size);
  /// Changes the stored configuration under libxl's lock of the domain: see `Hypervisor`.
  [[nodiscard]] Result<std::optional<Kib>> set_frozen_pool(DomainId domain, std::optional<Kib> from,
                                                           std::optional<Kib> to);

 private:
  LibxlContext() = default;
  [[nodiscard]] Error failed(std::string_view doing, DomainId domain, int code);

  LogCapture log_;
  libxl__ctx* context_{nullptr};
};

/// The contexts: one for each thread that makes a call at the same time. Thread-safe.
class LibxlContexts {
 public:
  explicit LibxlContexts(std::unique_ptr<LibxlContext> first);

  /// Calls `use` with a context that no other thread uses meanwhile, and returns its Result.
  /// Errors: those of `use` and of `LibxlContext::open`.
  template <class Use>
  std::invoke_result_t<Use&, LibxlContext&> with_one(Use use) {
    BOOST_OUTCOME_TRY(auto context, take());
    auto result = use(*context);
    give_back(std::move(context));
    return result;
  }

 private:
  [[nodiscard]] Result<std::unique_ptr<LibxlContext>> take();
  void give_back(std::unique_ptr<LibxlContext> context);

  std::mutex mutex_;
  std::vector<std::unique_ptr<LibxlContext>> idle_;
};

}  // namespace memctl::host::xen
