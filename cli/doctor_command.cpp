// SPDX-License-Identifier: LGPL-2.1-or-later
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "commands.hpp"
#include "doctor_text.hpp"
#include "exit_code.hpp"
#include "json.hpp"
#include "memctl/host.hpp"
#include "terminal.hpp"
#include "text.hpp"

namespace memctl::cli {
namespace {

/// Writes findings as they come, since a guest that does not answer takes seconds.
class DoctorOutput {
 public:
  explicit DoctorOutput(const Options& options) : options_{options} {}

  void add(const Result<std::vector<Finding>>& examined,
           const std::optional<DomainIdentity>& domain) {
    if (!examined) return add(examined.error());
    const std::vector<Finding>& findings = examined.value();
    count_.add(findings);
    if (!options_.json) return put(doctor_text(findings, domain));
    for (const Finding& finding : findings) put(finding_json(finding, domain));
  }

  void add(const Error& error) {
    failed_ = true;
    if (options_.json) {
      put(doctor_error_json(error));
    } else {
      errors_ += error_text(error, options_.verbose);
    }
  }

  [[nodiscard]] int end() const {
    if (!options_.json && written_) write_all(STDOUT_FILENO, summary_text(count_));
    write_all(STDERR_FILENO, errors_);
    if (failed_) return static_cast<int>(ExitCode::refused);
    return static_cast<int>(count_.bad > 0 ? ExitCode::found_bad : ExitCode::verified);
  }

 private:
  void put(const std::string& text) {
    written_ = true;
    write_all(STDOUT_FILENO, text);
  }

  const Options& options_;
  FindingCount count_{};
  std::string errors_{};
  bool written_{false};
  bool failed_{false};
};

void examine_all(const Host& host, const ResizeOptions& how, DoctorOutput& output) {
  const auto domains = host.domains();
  if (!domains) return output.add(domains.error());
  for (const Domain& domain : domains.value()) {
    const auto findings = domain.doctor(how);
    // One that ended since it was listed is no error: nobody named it.
    if (!findings && findings.error().cause == Cause::no_such_domain) continue;
    output.add(findings, domain.identity());
  }
}

}  // namespace

int run_doctor(const Options& options) {
  DoctorOutput output{options};
  const auto host = Host::open(options.host);
  if (!host) {
    output.add(host.error());
    return output.end();
  }
  output.add(host.value().doctor(options.resize.host_reserve), std::nullopt);
  if (options.domains.empty()) examine_all(host.value(), options.resize, output);
  for (const std::string& name : options.domains) {
    const auto domain = host.value().domain(name);
    if (!domain) {
      output.add(domain.error());
      continue;
    }
    output.add(domain.value().doctor(options.resize), domain.value().identity());
  }
  return output.end();
}

}  // namespace memctl::cli
