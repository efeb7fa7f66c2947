// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string_view>

#include "asker.hpp"
#include "memctl/log.hpp"

namespace memctl::cli {

/// Leaves one entry in systemd's journal for each domain that this process resized or recovered.
/// A thread of its own sends them, so that a journal that hangs holds no resize up. Without a
/// journal nothing happens.
class SystemJournal {
 public:
  SystemJournal();
  /// Calls `flush`.
  ~SystemJournal();
  SystemJournal(const SystemJournal&) = delete;
  SystemJournal& operator=(const SystemJournal&) = delete;

  /// Only a line that tells how a resize or a recovery ended becomes an entry, and of each domain
  /// the first. Any thread may call it. Does not block.
  void note(const LogLine& line);
  /// Waits until what was noted is sent, for 5 s at most.
  void flush();

 private:
  class Sender;
  const Asker asker_{this_asker()};
  std::shared_ptr<Sender> sender_;
};

/// Whether the end of a resize on the host `uri` is noted. A simulated host is nobody's business.
[[nodiscard]] bool is_noted(std::string_view uri);

}  // namespace memctl::cli
