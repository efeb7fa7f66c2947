// SPDX-License-Identifier: LGPL-2.1-or-later
#include <unistd.h>

#include <clocale>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "configuration.hpp"
#include "exit_code.hpp"
#include "options.hpp"
#include "process.hpp"
#include "signals.hpp"
#include "terminal.hpp"
#include "xl_options.hpp"

namespace memctl::cli {
namespace {

constexpr const char* output_lost = "memctl: standard output could not be written\n";

int run_program(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "");
  ignore_broken_pipes();
  const std::vector<std::string> words{argv, argv + argc};
  const std::vector<std::string> arguments{words.begin() + (argc > 0 ? 1 : 0), words.end()};
  const auto of_xl = argc > 0 ? xl_command(words.front()) : std::nullopt;
  const auto parse = [&](const ResizeOptions& defaults) {
    return of_xl ? parse_xl_options(*of_xl, arguments, defaults)
                 : parse_options(arguments, defaults);
  };
  auto parsed = parse({});
  if (const auto* answer = std::get_if<Answer>(&parsed)) {
    const bool written = write_all(STDOUT_FILENO, answer->out);
    static_cast<void>(write_all(STDERR_FILENO, written ? answer->err : output_lost));
    return written ? answer->exit_code : static_cast<int>(ExitCode::output_lost);
  }
  block_stops();
  auto configuration = read_configuration(std::get<Options>(parsed).config);
  // Now that the file is known, what the command line leaves open is as the file has it.
  if (configuration) parsed = parse(configuration.value().resize);
  const auto& options = std::get<Options>(parsed);
  Process process{std::move(configuration)};
  if (options.command == Command::resize || options.command == Command::watch) {
    // A watch leaves nothing behind.
    process.catch_signals(options.command == Command::watch ? ExitCode::verified
                                                            : ExitCode::left_behind);
  }
  const ExitCode ended = run(options, process);
  if (process.output_lost()) process.write_err(output_lost);
  const int code =
      static_cast<int>(process.output_lost() ? without_output(options.command, ended) : ended);
  // After a failure, one of libxl's calls may still wait for another tool's lock, and closing the
  // host would wait for that call.
  if (code != 0 || options.command == Command::watch) {
    process.flush_journal();
    ::_exit(code);
  }
  return code;
}

}  // namespace
}  // namespace memctl::cli

int main(int argc, char** argv) {
  try {
    return memctl::cli::run_program(argc, argv);
  } catch (const std::exception& exception) {
    // The library returns its errors, so this one means that the process got no memory or no
    // thread. It is not known here whether an operation left something behind.
    static_cast<void>(
        memctl::cli::write_all(STDERR_FILENO, std::string{"memctl: "} + exception.what() + "\n"));
    return static_cast<int>(memctl::cli::ExitCode::left_behind);
  }
}
