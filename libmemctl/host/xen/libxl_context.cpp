// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/xen/libxl_context.hpp"

#include <chrono>
#include <string>
#include <utility>

#include "host/xen/errors.hpp"
#include "host/xen/stored_configuration.hpp"
#include "host/xen/userdata.hpp"
#include "host/xen/xen_headers.hpp"

namespace memctl::host::xen {
namespace {

/// By default libxl reaps every child of the process. In its selective mode it installs a SIGCHLD
/// handler permanently, and ends a process that has its own handler. A library may do neither. In
/// this mode libxl touches no signal. The process would have to tell libxl when libxl's children
/// end, but no call here starts a child.
constexpr libxl_childproc_hooks leave_children_alone = {.chldowner = libxl_sigchld_owner_mainloop,
                                                        .fork_replacement = nullptr,
                                                        .reaped_callback = nullptr};

/// Other tools hold libxl's lock of a domain for less than a second, unless they hang.
constexpr std::chrono::seconds longest_hold{60};

std::string of_domain(std::string_view doing, DomainId domain) {
  return std::string{doing} + " of domain " + std::to_string(number(domain));
}

}  // namespace

Result<std::unique_ptr<LibxlContext>> LibxlContext::open() {
  std::unique_ptr<LibxlContext> context{new LibxlContext};
  const int code = libxl_ctx_alloc(&context->context_, LIBXL_VERSION, 0, context->log_.logger());
  if (code != 0) return libxl_failed("open libxl", code, context->log_.take());
  libxl_childproc_setmode(context->context_, &leave_children_alone, nullptr);
  return context;
}

LibxlContext::~LibxlContext() {
  if (context_ != nullptr) libxl_ctx_free(context_);
}

Result<LibxlFacts> LibxlContext::facts(DomainId domain) {
  (void)log_.take();
  BOOST_OUTCOME_TRY(const auto stored, StoredConfiguration::read(context_, domain, log_));
  LibxlFacts facts{};
  facts.has_stored_configuration = stored.has_value();
  if (stored) {
    facts.boot_limit = stored->boot_limit();
    facts.boot_size = stored->boot_size();
    facts.frozen_pool = stored->frozen_pool();
    facts.in_shim = stored->in_shim();
    facts.emulated_dma_devices = stored->emulated_dma_devices();
  }
  int devices = 0;
  libxl_device_pci* list = libxl_device_pci_list(context_, number(domain), &devices);
  if (list != nullptr) libxl_device_pci_list_free(list, devices);
  // libxl returns no list both for "none" and for "cannot tell", and writes a log line for "cannot
  // tell".
  if (list != nullptr || log_.take().empty()) facts.passthrough_devices = devices;
  return facts;
}

Result<void> LibxlContext::set_limit(DomainId domain, Kib limit) {
  (void)log_.take();
  // Any code but 0 is a failure, because this call can also return 1.
  const int code =
      libxl_domain_setmaxmem(context_, number(domain), static_cast<std::uint64_t>(limit.count()));
  if (code != 0) return failed("set the memory limit", domain, code);
  return success();
}

Result<void> LibxlContext::set_size(DomainId domain, Kib size) {
  (void)log_.take();
  const int code =
      libxl_set_memory_target(context_, number(domain), size.count(), 0, /*enforce=*/1);
  if (code != 0) return failed("set the memory target", domain, code);
  return success();
}

Result<std::optional<Kib>> LibxlContext::set_frozen_pool(DomainId domain, std::optional<Kib> from,
                                                         std::optional<Kib> to) {
  (void)log_.take();
  BOOST_OUTCOME_TRY(const Userdata files, Userdata::of(context_, domain));
  BOOST_OUTCOME_TRY(const auto lock, files.lock(longest_hold));
  // As libxl does: a domain that has ended meanwhile must not get its files back.
  BOOST_OUTCOME_TRY(const Userdata now, Userdata::of(context_, domain));
  if (now != files) return no_such_domain(domain);
  return store_frozen_pool(context_, files, from, to, log_);
}

/// When a domain has just gone, most of libxl's calls fail with a general code. So ask whether the
/// domain is still there.
Error LibxlContext::failed(std::string_view doing, DomainId domain, int code) {
  auto log = log_.take();
  if (libxl_domain_info(context_, nullptr, number(domain)) == ERROR_DOMAIN_NOTFOUND) {
    code = ERROR_DOMAIN_NOTFOUND;
  }
  (void)log_.take();
  return libxl_failed(of_domain(doing, domain), code, std::move(log));
}

LibxlContexts::LibxlContexts(std::unique_ptr<LibxlContext> first) {
  idle_.push_back(std::move(first));
}

Result<std::unique_ptr<LibxlContext>> LibxlContexts::take() {
  {
    const std::lock_guard lock{mutex_};
    if (!idle_.empty()) {
      auto context = std::move(idle_.back());
      idle_.pop_back();
      return context;
    }
  }
  return LibxlContext::open();
}

void LibxlContexts::give_back(std::unique_ptr<LibxlContext> context) {
  const std::lock_guard lock{mutex_};
  idle_.push_back(std::move(context));
}

}  // namespace memctl::host::xen
