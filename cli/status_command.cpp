// SPDX-License-Identifier: LGPL-2.1-or-later
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "exit_code.hpp"
#include "json.hpp"
#include "memctl/host.hpp"
#include "open_host.hpp"
#include "terminal.hpp"
#include "text.hpp"

namespace memctl::cli {
namespace {

/// Collects rows, and tells of what has none as it goes.
class StatusOutput {
 public:
  explicit StatusOutput(const Options& options) : options_{options} {}

  void add(DomainStatus status) {
    if (options_.json) {
      write_all(STDOUT_FILENO, status_json(status));
    } else {
      rows_.push_back(std::move(status));
    }
  }

  void add(const Error& error) {
    failed_ = true;
    if (options_.json) {
      write_all(STDOUT_FILENO, status_error_json(error));
    } else {
      errors_ += error_text(error, options_.verbose);
    }
  }

  [[nodiscard]] int end() const {
    const bool shown = !rows_.empty() || (!options_.json && !failed_);
    if (shown) write_all(STDOUT_FILENO, status_text(rows_, options_.verbose));
    write_all(STDERR_FILENO, errors_);
    return static_cast<int>(failed_ ? ExitCode::refused : ExitCode::verified);
  }

 private:
  const Options& options_;
  std::vector<DomainStatus> rows_;
  std::string errors_;
  bool failed_{false};
};

void show_all(const Host& host, const ResizeOptions& how, StatusOutput& output) {
  auto domains = host.domains();
  if (!domains) return output.add(domains.error());
  for (const Domain& domain : domains.value()) {
    auto status = domain.status(how);
    if (status) {
      output.add(std::move(status).value());
    } else if (status.error().cause != Cause::no_such_domain) {
      // One that ended since it was listed is no error: nobody named it.
      output.add(status.error());
    }
  }
}

void show(const Host& host, const std::string& name, const ResizeOptions& how,
          StatusOutput& output) {
  auto domain = host.domain(name);
  if (!domain) return output.add(domain.error());
  auto status = domain.value().status(how);
  if (!status) return output.add(status.error());
  output.add(std::move(status).value());
}

}  // namespace

int run_status(const Options& options) {
  StatusOutput output{options};
  const auto& host = open_host(options.host);
  if (!host) {
    output.add(host.error());
  } else if (options.domains.empty()) {
    show_all(host.value(), options.resize, output);
  } else {
    for (const std::string& name : options.domains) {
      show(host.value(), name, options.resize, output);
    }
  }
  return output.end();
}

}  // namespace memctl::cli
