// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recover_output.hpp"

#include <utility>

#include "ending.hpp"
#include "json.hpp"
#include "text.hpp"

namespace memctl::cli {

std::string RecoverOutput::add(const Result<Recovery>& recovered, const DomainIdentity& domain) {
  if (!recovered) {
    // If the user named no domain, a domain that has ended since it was listed is no error, and
    // neither is one whose resize lives.
    const bool listed = options_.domains.empty();
    const Cause cause = recovered.error().cause;
    if (listed && cause == Cause::no_such_domain) return {};
    if (listed && cause == Cause::busy) {
      return options_.json ? recovery_error_json({recovered.error(), domain, std::nullopt}) : "";
    }
    return failed(recovered.error(), domain);
  }
  const Recovery& recovery = recovered.value();
  if (recovery.report && recovery.report->outcome != Outcome::restored) {
    count(exit_code(recovery.report->outcome, recovery.report->cause));
  }
  if (options_.json) return recovery_json(recovery, domain);
  const bool told = recovery.report || recovery.unknown_claim > Kib{};
  if (!told && options_.domains.empty()) return {};
  written_ = true;
  return recovery_text(recovery, domain);
}

std::string RecoverOutput::add(const Error& error) { return failed(error, std::nullopt); }

std::string RecoverOutput::failed(Error error, const std::optional<DomainIdentity>& domain) {
  if (options_.json) {
    const Ending ending{std::move(error), domain, std::nullopt};
    count(ending.exit_code());
    return recovery_error_json(ending);
  }
  const bool names_it = domain && error.message.find(domain->name) != std::string::npos;
  if (domain && !names_it) error.message.insert(0, domain->name + ": ");
  const Ending ending{std::move(error), domain, std::nullopt};
  count(ending.exit_code());
  errors_ += failure_text(ending, options_.verbose);
  return {};
}

void RecoverOutput::count(ExitCode code) { code_ = worse(code_, code); }

Output RecoverOutput::end() const {
  Output output{.err = errors_, .code = code_};
  if (!options_.json && !written_ && errors_.empty()) output.out = "nothing was left behind\n";
  return output;
}

}  // namespace memctl::cli
