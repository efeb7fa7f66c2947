// SPDX-License-Identifier: LGPL-2.1-or-later
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/file.hpp"
#include "agent/process.hpp"
#include "agent/service.hpp"
#include "guest/message.hpp"
#include "memctl/version.hpp"

namespace {

using memctl::agent::log_line;
using memctl::agent::Service;

constexpr const char* help_text =
    "Usage: memctl-agent [--root DIR] [--run-directory DIR]\n"
    "\n"
    "Runs in a Xen guest and helps memctl in dom0 to resize the guest's memory:\n"
    "brings added memory online, and reports what the guest has.\n"
    "\n"
    "  --root DIR           use DIR/sys and DIR/proc (for tests)\n"
    "  --run-directory DIR  keep what a restart must not forget in DIR\n"
    "                       [/run/memctl-agent]\n"
    "  --version            print the version and end\n"
    "  --help               print this and end\n"
    "\n"
    "Signals: SIGTERM ends it and restores the kernel's online policy; SIGHUP makes it\n"
    "look at its mailbox again.\n";

bool is_dom0() {
  std::array<char, 256> buffer;
  const auto text = memctl::agent::read_file("/proc/xen/capabilities", buffer);
  return text && text->find("control_d") != std::string_view::npos;
}

bool is_xen_guest() {
  std::array<char, 64> buffer;
  const auto type = memctl::agent::read_file("/sys/hypervisor/type", buffer);
  return type && type->starts_with("xen");
}

/// The exit code if the agent is not to run.
std::optional<int> parse(int count, char** arguments, Service::Options& options) {
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--version") {
      std::printf("memctl-agent %s (protocol %u)\n", MEMCTL_VERSION_STRING,
                  memctl::guest::protocol_max);
      return 0;
    }
    if (argument == "--help" || argument == "-h") {
      std::fputs(help_text, stdout);
      return 0;
    }
    const bool has_value = i + 1 < count;
    if (argument == "--root" && has_value) {
      options.root = arguments[++i];
    } else if (argument == "--run-directory" && has_value) {
      options.run_directory = arguments[++i];
    } else {
      log_line("unknown or incomplete option: " + std::string{argument} + " (see --help)");
      return 2;
    }
  }
  return std::nullopt;
}

int run(const Service::Options& options) {
  if (is_dom0()) {
    log_line("this is dom0; the agent runs in guests");
    return 1;
  }
  memctl::agent::lock_memory();
  auto connection = memctl::agent::XenstoreConnection::open();
  if (!connection.is_open()) {
    const int error = errno;
    log_line(is_xen_guest() ? std::string{"xenstore cannot be opened: "} + std::strerror(error)
                            : std::string{"this is not a Xen guest"});
    return 1;
  }
  memctl::agent::exempt_from_oom_killer();
  return Service{options, std::move(connection)}.run();
}

}  // namespace

int main(int count, char** arguments) {
  Service::Options options;
  if (const auto code = parse(count, arguments, options)) return *code;
  // `_exit` skips the destructors of static objects, which the agent does not need.
  const int code = run(options);
  std::fflush(stdout);
  ::_exit(code);
}
