// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>

#include "host/port.hpp"
#include "host/task.hpp"
#include "memctl/domain_info.hpp"
#include "memctl/plan.hpp"
#include "memctl/report.hpp"
#include "memctl/resize.hpp"
#include "memctl/size.hpp"
#include "resize/context.hpp"
#include "resize/journal.hpp"
#include "resize/steps.hpp"

namespace memctl::resize {

/// One resize, start to end. Belongs to the host's executor, and must outlive its `run`.
class ResizeOperation {
 public:
  ResizeOperation(host::Port& port, DomainIdentity domain, SizeRequest request,
                  ResizeOptions options);

  /// The report of a verified resize; otherwise the error, which carries the report. Once.
  [[nodiscard]] host::Task<Report> run();
  /// Ends it with `cancelled` at its next step. From the executor only.
  void cancel() { context_.cancel(); }

 private:
  [[nodiscard]] host::Task<Plan> decide();
  [[nodiscard]] Error undecided(Error error);
  [[nodiscard]] Result<void> write_journal(const Plan& plan);
  [[nodiscard]] host::Task<void> walk(Kib goal);
  [[nodiscard]] Result<Report> finish(const Plan& plan, const Verified& verified);
  [[nodiscard]] bool has_gone(const Error& error) const;
  [[nodiscard]] boost::asio::awaitable<std::optional<Error>> let_go(Error error);
  [[nodiscard]] Error left_to_libxl(Error error);
  [[nodiscard]] host::Task<Report> restore_or_keep(Error error);

  [[nodiscard]] Report report(Outcome outcome) const;
  [[nodiscard]] Error refused(Error error) const;

  Context context_;
  std::shared_ptr<Journal> journal_;
  SizeRequest request_;
  Record before_{};
  std::optional<AgentReport> report_before_{};
};

/// The refusal, in the words that tell most: how an agent failed to answer, rather than that there
/// is none.
[[nodiscard]] Error explained(Error refusal, const std::optional<Error>& agent_error);

/// What `ResizeOperation` would do, without doing it. Errors: every refusal.
[[nodiscard]] host::Task<Plan> plan_only(host::Port& port, DomainIdentity domain,
                                         SizeRequest request, ResizeOptions options);

/// The domain and its guest, asked now. Errors: those of the host.
[[nodiscard]] host::Task<DomainStatus> status_of(host::Port& port, DomainIdentity domain,
                                                 ResizeOptions options);

}  // namespace memctl::resize
