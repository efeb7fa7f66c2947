// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The files that libxl keeps about a running domain, and libxl's lock of them.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "host/xen/xen_headers.hpp"
#include "memctl/error.hpp"
#include "memctl/units.hpp"

namespace memctl::host::xen {

/// libxl's lock of a domain, which every call of libxl's takes that reads or changes the domain's
/// files. It lasts until this is destroyed. Another call in this process waits for it as any other
/// process does.
class UserdataLock {
 public:
  UserdataLock(std::filesystem::path file, int fd) : file_{std::move(file)}, fd_{fd} {}
  ~UserdataLock();
  UserdataLock(UserdataLock&& other) noexcept
      : file_{std::move(other.file_)}, fd_{std::exchange(other.fd_, -1)} {}
  UserdataLock& operator=(UserdataLock&&) = delete;

 private:
  std::filesystem::path file_;
  int fd_;
};

/// The files of one domain: "userdata-KIND.DOMID.UUID.USERID" (libxl__userdata_path in Xen 4.17's
/// libxl_dom.c). The UUID makes sure that they are not those of a later domain with the same
/// number. Blocks; for the workers' threads.
class Userdata {
 public:
  /// XEN_LIB_DIR, as Debian builds libxl.
  static constexpr auto usual_directory = "/var/lib/xen";

  Userdata(DomainId domain, std::string uuid, std::filesystem::path directory = usual_directory)
      : domain_{domain}, uuid_{std::move(uuid)}, directory_{std::move(directory)} {}
  /// Those of the domain that has this number now. Errors: `no_such_domain`.
  [[nodiscard]] static Result<Userdata> of(libxl_ctx* context, DomainId domain);

  /// "domain 7", for messages.
  [[nodiscard]] std::string name() const;
  /// Takes libxl's lock (libxl__lock_domain_userdata in libxl_internal.c). The caller then looks
  /// whether the domain still stands. Errors: `stalled` if another tool holds the lock for
  /// `longest`, `not_permitted`, `hypervisor_error`.
  [[nodiscard]] Result<UserdataLock> lock(std::chrono::milliseconds longest) const;

  /// Whether something is stored under this name. Nothing: it cannot be told.
  [[nodiscard]] std::optional<bool> has(std::string_view userid) const;

  // These two only under the lock. Errors: `not_permitted`, `hypervisor_error`.
  /// What is stored under this name, bytes of zero included. Nothing: there is no such file.
  [[nodiscard]] Result<std::optional<std::string>> read(std::string_view userid) const;
  /// Stores `data` in one step: whoever reads without the lock sees the old data or the new.
  [[nodiscard]] Result<void> replace(std::string_view userid, std::string_view data) const;

  friend bool operator==(const Userdata&, const Userdata&) = default;

 private:
  [[nodiscard]] std::filesystem::path file(char kind, std::string_view userid) const;

  DomainId domain_;
  std::string uuid_;
  std::filesystem::path directory_;
};

}  // namespace memctl::host::xen
