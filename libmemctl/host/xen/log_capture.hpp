// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

struct xentoollog_logger;

namespace memctl::host::xen {

/// What a Xen library logs, kept instead of printed: an error carries the lines of its own call.
/// One for each handle, used on one thread at a time, as the handle is.
class LogCapture {
 public:
  LogCapture();
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  /// To be given to the library; lives as long as this.
  [[nodiscard]] xentoollog_logger* logger();
  /// The lines since the last call, oldest first: from informative ones up, at most 64, each one
  /// line of at most 512 bytes.
  [[nodiscard]] std::vector<std::string> take();

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
};

}  // namespace memctl::host::xen
