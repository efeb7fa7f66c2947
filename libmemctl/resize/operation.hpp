// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "host/port.hpp"
#include "host/task.hpp"
#include "memctl/plan.hpp"
#include "memctl/report.hpp"
#include "memctl/resize.hpp"
#include "memctl/size.hpp"
#include "resize/journal.hpp"
#include "resize/wish.hpp"
#include "resize/work.hpp"

namespace memctl::resize {

/// How a resize ended: the report of a verified resize; otherwise the error, which carries the
/// report. It is larger than all else that the coroutines of a waiting resize hold, so they hold a
/// pointer. Never null.
using Ending = std::unique_ptr<Result<Report>>;

/// One resize, start to end. Belongs to the host's executor, and must outlive its `run`.
class ResizeOperation {
 public:
  ResizeOperation(host::Port& port, DomainIdentity domain, SizeRequest request,
                  ResizeOptions options);
  /// The same, with a question whose terms also have an administrator's bounds.
  ResizeOperation(host::Port& port, DomainIdentity domain, SizeRequest request,
                  ResizeOptions options, const Question& question);
  ResizeOperation(const ResizeOperation&) = delete;
  ResizeOperation& operator=(const ResizeOperation&) = delete;

  /// Once.
  [[nodiscard]] boost::asio::awaitable<Ending> run();
  /// Ends it with `cancelled` at its next step. From the executor only.
  void cancel() { wish_.cancel(); }
  /// The same, because the caller's on_event threw on another thread. From the executor only.
  void on_event_threw(std::string what);

 private:
  [[nodiscard]] host::Task<void> gather_facts();
  [[nodiscard]] host::Task<std::unique_ptr<const Plan>> decide();
  [[nodiscard]] Result<void> write_journal(const Plan& plan);
  [[nodiscard]] host::Task<void> take_stages(Kib limit);
  [[nodiscard]] Result<Report> finish(Kib limit, const Verified& verified);
  [[nodiscard]] boost::asio::awaitable<Ending> restore_or_keep(std::unique_ptr<Error> why);

  [[nodiscard]] Error undecided(Error error);
  [[nodiscard]] Error refused(Error error) const;
  [[nodiscard]] bool has_gone(const Error& error) const;
  [[nodiscard]] boost::asio::awaitable<std::optional<Error>> let_go(const Patience& patience,
                                                                    Error error);
  [[nodiscard]] Error left_to_libxl(Error error);
  [[nodiscard]] Report report(Outcome outcome) const;
  [[nodiscard]] std::string how_far() const;

  Work work_;
  Wish wish_;
  Patience patience_;  ///< While the caller wishes it.
  std::shared_ptr<Journal> journal_;
  SizeRequest request_;
  Record before_{};
  std::optional<AgentReport> report_before_{};
};

}  // namespace memctl::resize
