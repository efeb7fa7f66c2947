// SPDX-License-Identifier: LGPL-2.1-or-later
#include "xl_options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <utility>

#include "command_line.hpp"

namespace memctl::cli {
namespace {

struct XlCommand {
  Command command;
  const char* name;
  const char* help;
  const char* footer;
};

constexpr std::array<XlCommand, 3> xl_commands{{
    {Command::resize, "xl-mem-resize", "Brings a domain to a size, and verifies it.",
     R"(Nothing is printed if all went well: exit code 0 means that Xen, the guest's
memory blocks and the guest's MemTotal agree.

Examples:
  xl-mem-resize web1 4g            grow or shrink web1 to 4 GiB
  xl-mem-resize -v web1 +512m      512 MiB more than its target, with each phase
  xl-mem-resize -N web1 4g         only show what would be done

xl-mem(1) has the exit codes.
)"},
    {Command::status, "xl-mem-status", "Shows domains, their limits and what is possible.",
     R"(Examples:
  xl-mem-status                    all guests; sizes in MiB
  xl-mem-status -v web1            and why web1 cannot grow or shrink further
)"},
    {Command::doctor, "xl-mem-doctor", "Checks host and domains, and tells what mends them.",
     R"(Examples:
  xl-mem-doctor                    the host and all guests
  xl-mem-doctor web1               the host and web1

The exit code is 1 if something is bad.
)"},
}};

void ignore(CLI::App& app, const std::string& name) {
  app.add_flag_function(
      name, [](std::int64_t) {}, "An option of xl that changes nothing here");
}

/// The options that xl reads before a command. -v is memctl's too. xl takes each of them any number
/// of times.
void add_options_of_xl(CLI::App& app, Options& options, bool& dry_run) {
  ignore(app, "-f");
  ignore(app, "-T");
  if (options.command == Command::resize) {
    add_switch(app, "-N,--dry-run", dry_run, "Only show what would be done");
    add_switch(app, "-t", options.live, "Show a bar for each phase, on a terminal or not");
  } else {
    const auto refuse = [&app](std::int64_t) {
      throw CLI::ValidationError(app.get_name() + " has no dry run: it changes nothing");
    };
    app.add_flag_function("-N", refuse)->group("");
    ignore(app, "-t");
  }
  for (CLI::Option* option : app.get_options()) {
    const bool is_switch = option->get_type_size_max() == 0;
    if (is_switch) option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
}

}  // namespace

std::optional<Command> xl_command(std::string_view program) {
  const std::string_view name = program.substr(program.rfind('/') + 1);
  const auto* found = std::ranges::find(xl_commands, name, &XlCommand::name);
  return found == xl_commands.end() ? std::nullopt : std::optional{found->command};
}

std::variant<Options, Answer> parse_xl_options(Command command, std::vector<std::string> arguments,
                                               const ResizeOptions& defaults) {
  const auto& of_xl = *std::ranges::find(xl_commands, command, &XlCommand::command);
  Options options{.command = command, .resize = defaults};
  bool dry_run = false;
  CLI::App app{of_xl.help, of_xl.name};
  app.set_help_flag("-h,--help", "Show this help");
  app.footer(of_xl.footer);
  app.get_formatter()->label("REQUIRED", "");
  if (command == Command::resize) {
    add_resize_options(app, options);
  } else {
    add_domains(app, options);
    if (command == Command::status) {
      add_status_options(app, options);
      app.footer(status_columns_text() + "\n" + of_xl.footer);
    }
  }
  add_options_of_xl(app, options, dry_run);

  if (auto early = read_arguments(app, std::move(arguments))) {
    return *std::move(early);
  }
  if (dry_run) options.command = Command::plan;
  options.quiet = !options.verbose;
  return options;
}

}  // namespace memctl::cli
