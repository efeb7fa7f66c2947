// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "environment.hpp"
#include "memctl/domain_info.hpp"
#include "memctl/watch.hpp"
#include "options.hpp"

namespace memctl::cli {

/// A domain that is watched.
struct Watched {
  DomainIdentity domain{};
  std::optional<DomainStatus> status{};  ///< Nothing: it was not asked yet, or `error` is set.
  std::optional<Error> error{};          ///< Why it could not be asked.
};
using WatchedDomains = std::map<DomainId, Watched>;

/// What happened to a domain, as it is told: the library's changes, and "measured" for figures that
/// nothing announces.
enum class Told { appeared, changed, measured, ended };
[[nodiscard]] std::string_view name(Told told);

/// The host's figures, or why they are not known. Nothing: nobody wants them.
using HostFigures = std::optional<Result<HostStatus>>;

/// The table on a terminal of this size: at most one line less than it has, so that nothing
/// scrolls. The domains that could not be asked, the host's line and the number of the domains that
/// have no room come last.
[[nodiscard]] std::string watch_screen(const WatchedDomains& domains, const HostFigures& host,
                                       const StatusLook& look, const Screen& screen, int rows);
/// A line for each change, where no terminal can redraw a table.
[[nodiscard]] std::string watch_line(Told told, const Watched& watched, const StatusLook& look);

/// Writes what is watched: a table on a terminal that can redraw it, or else lines, or JSON.
class WatchOutput {
 public:
  WatchOutput(const Options& options, Environment& environment);
  /// Leaves the terminal as it was, with the last table on it.
  ~WatchOutput();
  WatchOutput(const WatchOutput&) = delete;
  WatchOutput& operator=(const WatchOutput&) = delete;

  void tell(Told told, const Watched& watched);
  /// Says that a domain could not be asked. A live table shows it at the next drawing.
  void tell_error(const Error& error);
  /// Whether there is a table to draw.
  [[nodiscard]] bool is_live() const { return live_; }
  /// Draws the live table if something in it is new.
  void draw(const WatchedDomains& domains, const HostFigures& host, bool resized);

 private:
  const Options& options_;
  Environment& environment_;
  bool live_;
  std::string drawn_{};
};

}  // namespace memctl::cli
