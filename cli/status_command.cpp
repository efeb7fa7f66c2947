// SPDX-License-Identifier: LGPL-2.1-or-later
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "domains_asked.hpp"
#include "json.hpp"
#include "output.hpp"
#include "status_text.hpp"
#include "text.hpp"

namespace memctl::cli {
namespace {

/// Writes JSON for each domain at once, and a table for people at the end.
class StatusOutput {
 public:
  StatusOutput(const Options& options, const Configuration& configuration)
      : options_{options}, configuration_{configuration} {}

  /// Returns the text to write now.
  [[nodiscard]] std::string add(const Result<DomainStatus>& asked, const DomainIdentity&) {
    if (!asked) {
      // If the user named no domain, a domain that has ended since it was listed is no error.
      const bool listed = options_.domains.empty();
      if (listed && asked.error().cause == Cause::no_such_domain) return {};
      return add(asked.error());
    }
    DomainStatus status = asked.value();
    if (status.range) {
      status.range = with_source(*std::move(status.range), status.domain.name, configuration_);
    }
    if (options_.json) return status_json(status);
    rows_.push_back(std::move(status));
    return {};
  }

  [[nodiscard]] std::string add(const Error& error) {
    failed_ = true;
    if (options_.json) return status_error_json(error);
    errors_ += error_text(error, options_.verbose);
    return {};
  }

  void add(const HostStatus& host) { host_ = host; }
  /// A domain that is only listed.
  void add(const DomainIdentity& domain) { rows_.push_back({.domain = domain}); }

  [[nodiscard]] Output end(const Screen& screen) const {
    Output output{.err = errors_, .code = failed_ ? ExitCode::refused : ExitCode::verified};
    const bool shown = !rows_.empty() || (!options_.json && !failed_);
    if (!shown) return output;
    output.out = status_table(rows_, options_.look, screen);
    if (options_.verbose) {
      for (const DomainStatus& status : rows_) output.out += limits_text(status);
    }
    if (host_) output.out += host_line(*host_, options_.look.unit, screen);
    return output;
  }

 private:
  const Options& options_;
  const Configuration& configuration_;
  std::vector<DomainStatus> rows_{};
  std::optional<HostStatus> host_{};
  std::string errors_{};
  bool failed_{false};
};

void show(const Options& options, StatusOutput& output, Environment& environment) {
  const auto host = environment.open_host(options.host);
  if (!host) return environment.write_out(output.add(host.error()));
  const bool all_for_people = options.domains.empty() && !options.json && !options.verbose;
  if (all_for_people && are_listed(options.look.columns)) {
    const auto domains = host.value().domains();
    if (!domains) return environment.write_out(output.add(domains.error()));
    for (const Domain& domain : domains.value()) output.add(domain.identity());
    return;
  }
  ask_domains(host.value(), options, output, environment, [&](const Domain& domain) {
    return domain.ask_status(status_options(options.resize));
  });
  if (options.json || !options.look.has_host_line()) return;
  const auto status = host.value().status(status_options(options.resize));
  if (!status) return environment.write_out(output.add(status.error()));
  output.add(status.value());
}

}  // namespace

ExitCode run_status(const Options& options, Environment& environment) {
  const auto& configured = environment.configuration();
  const Configuration configuration = configured ? configured.value() : Configuration{};
  StatusOutput output{options, configuration};
  show(options, output, environment);
  return write(output.end(environment.screen()), environment);
}

}  // namespace memctl::cli
