// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Processes of this host, as /proc shows them. `proc` is the directory of /proc, and `root` is
// root's number; tests pass others. Any user of dom0 can start processes of any name and with any
// command line: of other users' processes nothing is read, and of root's only so much as each file
// can need.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "host/clock.hpp"
#include "memctl/error.hpp"
#include "memctl/units.hpp"

namespace memctl::host::xen {

/// "BOOT-ID:PID:START-TIME:PID-NAMESPACE". No other process has this name, even if numbers are
/// reused or processes run in containers.
[[nodiscard]] std::string this_process(const std::filesystem::path& proc = "/proc");
/// Whether the process with this name still runs. In doubt, true: if its entry in /proc is hidden,
/// or if it ran in another PID namespace and this process does not see all namespaces, as in a
/// container. dom0 itself sees all namespaces.
[[nodiscard]] bool is_process_alive(const std::string& name,
                                    const std::filesystem::path& proc = "/proc");

/// The domain that a process with this command line saves or migrates. `cmdline` has the form of
/// /proc/PID/cmdline. Nothing: the process is no save helper.
[[nodiscard]] std::optional<DomainId> domain_being_saved(std::string_view cmdline);
/// Finds the domains that are being saved, many times a second.
///
/// libxl makes a process for each save helper, which becomes the helper at once. So a process that
/// has been something else for ten seconds stays something else, and is not read again. Not
/// thread-safe.
class SaveHelpers {
 public:
  explicit SaveHelpers(std::filesystem::path proc = "/proc", uid_t root = 0);
  /// The domains for which a process of root's is a save helper. Errors: `hypervisor_error`.
  [[nodiscard]] Result<std::vector<DomainId>> find(TimePoint now);

 private:
  std::filesystem::path proc_;
  uid_t root_;
  std::unordered_set<pid_t> others_{};  ///< Those of root's that are not read again.
  TimePoint looked_at_{};
};

/// Whether this process is root's own: its real, effective, saved and file system user. Anybody can
/// run a program under any name, also one that gains root's rights. `status` has the form of
/// /proc/PID/status.
[[nodiscard]] bool is_roots_own(std::string_view status);
/// The name of a process that is root's own, by its directory in /proc. Nothing: it is not, or it
/// has ended.
[[nodiscard]] std::optional<std::string> name_if_roots(const std::filesystem::path& process);
/// Which programs of root's run that resize all domains by themselves: "qmemman" (Qubes),
/// "squeezed" (XCP-ng). Nothing: the table of processes cannot be read.
[[nodiscard]] std::optional<std::vector<std::string>> running_memory_managers(
    const std::filesystem::path& proc = "/proc", uid_t root = 0);

}  // namespace memctl::host::xen
