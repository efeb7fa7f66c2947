// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <string_view>
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
  std::optional<Kib> frozen_pool{};
  std::optional<bool> emulated_dma_devices{};
  std::optional<int> passthrough_devices{};
};

/// One libxl context. Every call takes libxl's lock of the domain, which another toolstack can hold
/// for long: they are made on the worker's thread alone.
class LibxlContext {
 public:
  /// Errors: `hypervisor_error` with what libxl logged.
  [[nodiscard]] static Result<std::unique_ptr<LibxlContext>> open();
  ~LibxlContext();
  LibxlContext(const LibxlContext&) = delete;
  LibxlContext& operator=(const LibxlContext&) = delete;

  [[nodiscard]] Result<LibxlFacts> facts(DomainId domain);
  /// libxl_domain_setmaxmem.
  [[nodiscard]] Result<void> set_limit(DomainId domain, Kib limit);
  /// libxl_set_memory_target, absolute: libxl subtracts the video RAM.
  [[nodiscard]] Result<void> set_size(DomainId domain, Kib size, bool enforce);

 private:
  LibxlContext() = default;
  [[nodiscard]] Error failed(std::string_view doing, DomainId domain, int code);

  LogCapture log_;
  libxl__ctx* context_{nullptr};
};

}  // namespace memctl::host::xen
