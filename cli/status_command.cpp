// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string>
#include <vector>

#include "commands.hpp"
#include "domains_asked.hpp"
#include "json.hpp"
#include "output.hpp"
#include "text.hpp"

namespace memctl::cli {
namespace {

/// Writes JSON for each domain at once, and a table for people at the end.
class StatusOutput {
 public:
  explicit StatusOutput(const Options& options) : options_{options} {}

  /// Returns the text to write now.
  [[nodiscard]] std::string add(const Result<DomainStatus>& status, const DomainIdentity&) {
    if (!status) {
      // If the user named no domain, a domain that has ended since it was listed is no error.
      const bool listed = options_.domains.empty();
      if (listed && status.error().cause == Cause::no_such_domain) return {};
      return add(status.error());
    }
    if (options_.json) return status_json(status.value());
    rows_.push_back(status.value());
    return {};
  }

  [[nodiscard]] std::string add(const Error& error) {
    failed_ = true;
    if (options_.json) return status_error_json(error);
    errors_ += error_text(error, options_.verbose);
    return {};
  }

  [[nodiscard]] Output end() const {
    Output output{.err = errors_, .code = failed_ ? ExitCode::refused : ExitCode::verified};
    const bool shown = !rows_.empty() || (!options_.json && !failed_);
    if (shown) output.out = status_text(rows_, options_.verbose);
    return output;
  }

 private:
  const Options& options_;
  std::vector<DomainStatus> rows_{};
  std::string errors_{};
  bool failed_{false};
};

void show(const Options& options, StatusOutput& output, Environment& environment) {
  const auto host = environment.open_host(options.host);
  if (!host) return environment.write_out(output.add(host.error()));
  ask_domains(host.value(), options, output, environment, [&](const Domain& domain) {
    return domain.ask_status(status_options(options.resize));
  });
}

}  // namespace

ExitCode run_status(const Options& options, Environment& environment) {
  StatusOutput output{options};
  show(options, output, environment);
  return write(output.end(), environment);
}

}  // namespace memctl::cli
