// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "environment.hpp"
#include "exit_code.hpp"
#include "signals.hpp"
#include "system_journal.hpp"

namespace memctl::cli {

/// This process: its standard output and standard error, its signals, and real time.
class Process final : public Environment {
 public:
  explicit Process(Result<Configuration> configuration)
      : configuration_{std::move(configuration)} {}

  /// From now on the first signals interrupt the command instead of ending the process; see
  /// `SignalWatch`. If a third signal has to end it, the exit code is `forced`. Must be called
  /// before `open_host`, which starts threads.
  void catch_signals(ExitCode forced) {
    signals_.emplace();
    forced_ = forced;
  }

  [[nodiscard]] const Result<Configuration>& configuration() override { return configuration_; }
  /// The host lives as long as this object. If one of libxl's calls waits for another tool's lock,
  /// closing the host waits for that call, and ending the process ends it: see `main`.
  [[nodiscard]] Result<Host> open_host(const std::string& uri) override;

  void note(const LogLine& line) override;

  void write_out(std::string_view text) override;
  void write_err(std::string_view text) override;
  [[nodiscard]] ProgressBar::Style style() override;
  [[nodiscard]] int columns() override;
  [[nodiscard]] int rows() override;
  [[nodiscard]] Screen screen() override;
  [[nodiscard]] int screen_rows() override;
  [[nodiscard]] bool can_redraw() override;
  [[nodiscard]] bool has_reader() override;
  void on_interruption(std::function<void(Interruption)> handler) override;
  void on_resized(std::function<void()> handler) override;
  [[nodiscard]] TimePoint now() override;
  void wait_for(EventQueue& queue, std::optional<std::chrono::milliseconds> patience) override;
  void wait_for(WatchQueue& queue, std::chrono::milliseconds patience) override;

  /// Must be called before the process ends without destructors.
  void flush_journal();

  /// Whether a part of the standard output could not be written.
  [[nodiscard]] bool output_lost() const { return output_lost_; }

 private:
  Result<Configuration> configuration_;
  std::optional<SignalWatch> signals_;
  ExitCode forced_{ExitCode::left_behind};
  std::optional<SystemJournal> journal_;  ///< Nothing: the host is not noted.
  std::optional<Result<Host>> host_;      ///< Its log goes to the journal, which outlives it.
  bool output_lost_{false};
};

}  // namespace memctl::cli
