// SPDX-License-Identifier: LGPL-2.1-or-later
#include "doctor_output.hpp"

#include "json.hpp"
#include "text.hpp"

namespace memctl::cli {

std::string DoctorOutput::add(const Result<std::vector<Finding>>& examined,
                              const std::optional<DomainIdentity>& domain) {
  if (!examined) {
    // If the user named no domain, a domain that has ended since it was listed is no error.
    const bool listed = domain && options_.domains.empty();
    if (listed && examined.error().cause == Cause::no_such_domain) return {};
    return add(examined.error());
  }
  const std::vector<Finding>& findings = examined.value();
  count_.add(findings);
  written_ = true;
  if (!options_.json) return doctor_text(findings, domain, options_.verbose);
  std::string lines;
  for (const Finding& finding : findings) lines += finding_json(finding, domain);
  return lines;
}

std::string DoctorOutput::add(const Error& error) {
  failed_ = true;
  if (options_.json) return doctor_error_json(error);
  errors_ += error_text(error, options_.verbose);
  return {};
}

Output DoctorOutput::end() const {
  Output output{.err = errors_};
  if (!options_.json && written_) output.out = summary_text(count_);
  if (failed_) {
    output.code = ExitCode::refused;
  } else if (count_.bad > 0) {
    output.code = ExitCode::found_bad;
  }
  return output;
}

}  // namespace memctl::cli
