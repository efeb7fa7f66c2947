// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

#include "host/xen/log_capture.hpp"
#include "host/xen/userdata.hpp"
#include "host/xen/xen_headers.hpp"
#include "memctl/error.hpp"
#include "memctl/units.hpp"

namespace memctl::host::xen {

/// The configuration that libxl stored when it built a domain. It is read from the stored file,
/// because libxl's call for it replaces the figures that are needed here with the present figures.
class StoredConfiguration {
 public:
  /// Nothing: libxl has no configuration of this domain, or cannot read it. libxl's own calls then
  /// fail too. Takes libxl's lock of the domain. Errors: `no_such_domain`, `hypervisor_error`.
  [[nodiscard]] static Result<std::optional<StoredConfiguration>> read(libxl_ctx* context,
                                                                       DomainId domain,
                                                                       LogCapture& log);
  /// Reads libxl's JSON. Nothing: `json` is not libxl's JSON.
  [[nodiscard]] static std::optional<StoredConfiguration> parse(libxl_ctx* context,
                                                                const std::string& json);
  /// Takes the contents of a configuration that a caller of libxl has filled in.
  explicit StoredConfiguration(libxl_domain_config&& configuration) : value_{configuration} {
    libxl_domain_config_init(&configuration);
  }
  ~StoredConfiguration() { libxl_domain_config_dispose(&value_); }
  StoredConfiguration(StoredConfiguration&& other) noexcept
      : StoredConfiguration{std::move(other.value_)} {}
  StoredConfiguration& operator=(StoredConfiguration&&) = delete;

  /// The limit that the domain was built with.
  [[nodiscard]] std::optional<Kib> boot_limit() const;
  /// The size that the domain was built with. As in libxl, it is the limit if nothing else is said.
  [[nodiscard]] std::optional<Kib> boot_size() const;
  /// The paging pool's size, if the configuration fixes it: after a save, the restored domain gets
  /// this pool whatever its size. Nothing: the configuration does not fix the pool.
  [[nodiscard]] std::optional<Kib> frozen_pool() const;
  /// Whether the domain has a paging pool: a pv domain has none.
  [[nodiscard]] bool has_pool() const;
  /// Nothing: libxl computes the pool anew at each restore.
  void set_frozen_pool(std::optional<Kib> pool);
  /// libxl's JSON. Empty: libxl cannot make it.
  [[nodiscard]] std::string to_json(libxl_ctx* context);
  /// Whether the domain is a pv guest in Xen's shim (`pvshim=1` in xl.cfg).
  [[nodiscard]] bool in_shim() const;
  /// Whether a device model reads and writes the guest's memory by itself. Nothing: not known.
  [[nodiscard]] std::optional<bool> emulated_dma_devices() const;

 private:
  libxl_domain_config value_;
};

/// Replaces the frozen pool in the stored configuration by `to` if it is `from`, and returns what
/// it is then. The caller holds libxl's lock of the domain, and nothing here takes it. Errors:
/// `xen_unsupported` if there is no configuration, or one of a pv domain; `not_permitted`,
/// `hypervisor_error`.
[[nodiscard]] Result<std::optional<Kib>> store_frozen_pool(libxl_ctx* context,
                                                           const Userdata& files,
                                                           std::optional<Kib> from,
                                                           std::optional<Kib> to, LogCapture& log);

}  // namespace memctl::host::xen
