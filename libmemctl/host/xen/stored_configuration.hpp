// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "host/xen/log_capture.hpp"
#include "host/xen/xen_headers.hpp"
#include "memctl/error.hpp"
#include "memctl/units.hpp"

namespace memctl::host::xen {

/// The configuration that libxl keeps of a domain that it built, as it was stored: the call that
/// retrieves a configuration replaces the figures asked for here by the live ones.
class StoredConfiguration {
 public:
  /// Nothing: libxl keeps none of this domain, or cannot read it; its own calls then fail too.
  /// Takes libxl's lock of the domain. Errors: `no_such_domain`, `hypervisor_error`.
  [[nodiscard]] static Result<std::optional<StoredConfiguration>> read(libxl_ctx* context,
                                                                       DomainId domain,
                                                                       LogCapture& log);
  /// From libxl's JSON; nothing: it is none.
  [[nodiscard]] static std::optional<StoredConfiguration> parse(libxl_ctx* context,
                                                                const std::string& json);
  /// Takes over what a caller of libxl has filled in.
  explicit StoredConfiguration(libxl_domain_config&& configuration) : value_{configuration} {
    libxl_domain_config_init(&configuration);
  }
  ~StoredConfiguration() { libxl_domain_config_dispose(&value_); }
  StoredConfiguration(StoredConfiguration&& other) noexcept
      : StoredConfiguration{std::move(other.value_)} {}
  StoredConfiguration& operator=(StoredConfiguration&&) = delete;

  /// static-max when the domain was built.
  [[nodiscard]] std::optional<Kib> boot_limit() const;
  /// The paging pool's size, where a restore would get this one whatever the domain's size.
  [[nodiscard]] std::optional<Kib> frozen_pool() const;
  /// Whether a device model reads and writes the guest's memory on its own; nothing: can't be told.
  [[nodiscard]] std::optional<bool> emulated_dma_devices() const;

 private:
  libxl_domain_config value_;
};

}  // namespace memctl::host::xen
