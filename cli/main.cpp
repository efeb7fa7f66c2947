// SPDX-License-Identifier: LGPL-2.1-or-later
#include <unistd.h>

#include <clocale>
#include <exception>
#include <string>

#include "commands.hpp"
#include "exit_code.hpp"
#include "options.hpp"
#include "signals.hpp"
#include "terminal.hpp"

namespace memctl::cli {
namespace {

int run(const Options& options) {
  switch (options.command) {
    case Command::resize:
      return run_resize(options);
    case Command::plan:
      return run_plan(options);
    case Command::status:
      return run_status(options);
    case Command::doctor:
      return run_doctor(options);
    case Command::recover:
      return run_recover(options);
  }
  return static_cast<int>(ExitCode::usage);
}

int run(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "");
  ignore_broken_pipes();
  const auto parsed = parse_options({argv + (argc > 0 ? 1 : 0), argv + argc});
  if (const auto* answer = std::get_if<Answer>(&parsed)) {
    write_all(STDOUT_FILENO, answer->out);
    write_all(STDERR_FILENO, answer->err);
    return answer->exit_code;
  }
  block_stops();
  return run(std::get<Options>(parsed));
}

}  // namespace
}  // namespace memctl::cli

int main(int argc, char** argv) {
  try {
    const int code = memctl::cli::run(argc, argv);
    // What failed may have left a call that waits for another tool: it is not waited for.
    if (code != 0) ::_exit(code);
    return code;
  } catch (const std::exception& exception) {
    // Not an error of the library's, which are values: no memory or no thread for this process.
    // What that leaves behind is not known here.
    memctl::cli::write_all(STDERR_FILENO, std::string{"memctl: "} + exception.what() + "\n");
    return static_cast<int>(memctl::cli::ExitCode::left_behind);
  }
}
