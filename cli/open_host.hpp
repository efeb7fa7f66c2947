// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>

#include "memctl/host.hpp"

namespace memctl::cli {

/// The command's host, which lives as long as the process. Closing it waits for a call of libxl's
/// that another tool's lock holds up; the process's end does not, and ends that call: see `main`.
inline const Result<Host>& open_host(const std::string& uri) {
  static std::optional<Result<Host>> host;
  return host.emplace(Host::open(uri));
}

}  // namespace memctl::cli
