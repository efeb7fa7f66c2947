// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "environment.hpp"
#include "host/clock.hpp"
#include "turn.hpp"

namespace memctl::scenario {

/// One call of memctl on a simulated host, running or ended. It is the real command, on its own
/// thread, which runs only while it has the turn.
class Call final : public cli::Environment {
 public:
  /// Every URI names `host`; `clock` tells its time.
  Call(Host host, const host::Clock& clock, std::vector<std::string> arguments);
  /// The call must have ended before.
  ~Call() override;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // For the driver.

  [[nodiscard]] const std::string& out() const { return out_; }
  [[nodiscard]] const std::string& err() const { return err_; }
  [[nodiscard]] bool has_written(std::string_view text) const {
    return out_.find(text) != std::string::npos || err_.find(text) != std::string::npos;
  }
  /// The exit status, once it has ended.
  [[nodiscard]] const std::optional<int>& status() const { return status_; }
  /// If what the call waits for has happened, lets it go on until it waits again or has ended.
  /// False: the call still waits, or had ended.
  bool go_on();
  void interrupt(cli::Interruption interruption);

  // For its command.

  /// No file sets anything.
  [[nodiscard]] const Result<cli::Configuration>& configuration() override {
    return configuration_;
  }
  [[nodiscard]] Result<Host> open_host(const std::string& /*uri*/) override { return host_; }
  void note(const LogLine& /*line*/) override {}
  void write_out(std::string_view text) override { out_ += text; }
  void write_err(std::string_view text) override { err_ += text; }
  [[nodiscard]] cli::ProgressBar::Style style() override { return {.live = false}; }
  [[nodiscard]] int columns() override { return 80; }
  [[nodiscard]] int rows() override { return 24; }
  [[nodiscard]] cli::Screen screen() override { return {}; }
  [[nodiscard]] int screen_rows() override { return 24; }
  [[nodiscard]] bool can_redraw() override { return false; }
  [[nodiscard]] bool has_reader() override { return true; }
  void on_resized(std::function<void()> /*handler*/) override {}
  void on_interruption(std::function<void(cli::Interruption)> handler) override;
  [[nodiscard]] TimePoint now() override { return clock_.now(); }
  /// Ignores the patience, because a command has one only on a terminal.
  void wait_for(cli::EventQueue& queue, std::optional<std::chrono::milliseconds>) override;
  void wait_for(cli::WatchQueue& queue, std::chrono::milliseconds) override;

  /// Gives up the turn until `ready()`.
  void wait_until(const std::function<bool()>& ready);
  /// The call of this thread; null on the driver's thread.
  [[nodiscard]] static Call* current();

 private:
  void run(const std::vector<std::string>& arguments);

  Result<cli::Configuration> configuration_{cli::Configuration{}};
  Host host_;
  const host::Clock& clock_;
  std::string out_{};
  std::string err_{};
  std::optional<int> status_{};
  std::optional<cli::Interruption> interruption_{};
  std::function<void(cli::Interruption)> on_interruption_{};
  std::function<bool()> ready_{[] { return true; }};
  Turn turn_{};
  std::thread thread_;
};

}  // namespace memctl::scenario
