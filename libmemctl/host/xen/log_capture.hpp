// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

struct xentoollog_logger;

namespace memctl::host::xen {

/// Keeps what a Xen library logs, instead of printing it. An error carries the log lines of its
/// call. Each handle has its own LogCapture; one thread at a time uses both.
class LogCapture {
 public:
  LogCapture();
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  /// The logger for the library. Lives as long as this object.
  [[nodiscard]] xentoollog_logger* logger();
  /// The lines since the last call, oldest first: those of level XTL_INFO and above, at most 64
  /// lines of at most 512 bytes.
  [[nodiscard]] std::vector<std::string> take();

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
};

}  // namespace memctl::host::xen
