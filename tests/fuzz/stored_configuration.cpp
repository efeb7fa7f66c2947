// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The configuration that libxl stored of a domain (libmemctl/host/xen/stored_configuration.hpp).
// libxl reads it, and needs a context for its log. A context needs no running Xen once the handles
// that it opens are stand-ins.
#include "host/xen/stored_configuration.hpp"

#include <cstdlib>

#include "bytes.hpp"
#include "host/xen/log_capture.hpp"
#include "require.hpp"

namespace {

char stand_in;

template <class Handle>
Handle* opened() {
  return reinterpret_cast<Handle*>(&stand_in);
}

}  // namespace

// These come before the libraries' own, because the program exports them.
#define MEMCTL_FUZZ_EXPORT __attribute__((visibility("default")))
extern "C" {
MEMCTL_FUZZ_EXPORT xc_interface* xc_interface_open(xentoollog_logger*, xentoollog_logger*,
                                                   unsigned) {
  return opened<xc_interface>();
}
MEMCTL_FUZZ_EXPORT int xc_interface_close(xc_interface*) { return 0; }
MEMCTL_FUZZ_EXPORT xs_handle* xs_open(unsigned long) { return opened<xs_handle>(); }
MEMCTL_FUZZ_EXPORT void xs_close(xs_handle*) {}
}

namespace memctl::fuzz {
namespace {

using host::xen::StoredConfiguration;

class Libxl {
 public:
  Libxl() {
    if (libxl_ctx_alloc(&context_, LIBXL_VERSION, 0, log_.logger()) != 0) std::abort();
  }
  ~Libxl() { libxl_ctx_free(context_); }
  Libxl(const Libxl&) = delete;
  Libxl& operator=(const Libxl&) = delete;

  std::optional<StoredConfiguration> read(const std::string& json) {
    auto parsed = StoredConfiguration::parse(context_, json);
    static_cast<void>(log_.take());
    return parsed;
  }
  std::string write(StoredConfiguration& configuration) { return configuration.to_json(context_); }

 private:
  host::xen::LogCapture log_{};
  libxl_ctx* context_{};
};

bool is_size(const std::optional<Kib>& size) { return !size || *size >= Kib{}; }

void check(const std::string& json) {
  static Libxl libxl;
  auto stored = libxl.read(json);
  if (!stored) return;
  require(is_size(stored->boot_limit()) && is_size(stored->boot_size()) &&
              is_size(stored->frozen_pool()),
          "no size is negative");
  static_cast<void>(stored->emulated_dma_devices());
  const bool has_pool = stored->has_pool();
  stored->set_frozen_pool(12_MiB);
  const std::string written = libxl.write(*stored);
  if (written.empty()) return;
  auto again = libxl.read(written);
  require(again.has_value(), "what is written can be read");
  require(!has_pool || again->frozen_pool() == 12_MiB, "the pool that was set is read again");
  require(again->boot_limit() == stored->boot_limit(), "the rest is as before");
}

}  // namespace
}  // namespace memctl::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = memctl::fuzz::Bytes{data, size}.rest();
  memctl::fuzz::check(text.substr(0, text.find('\0')));
  return 0;
}
