// SPDX-License-Identifier: LGPL-2.1-or-later
#include "options.hpp"

#include <CLI/CLI.hpp>
#include <functional>
#include <utility>

#include "characters.hpp"
#include "choice.hpp"
#include "command_line.hpp"
#include "memctl/size.hpp"
#include "memctl/version.hpp"
#include "time_text.hpp"
#include "usage_mistake.hpp"

namespace memctl::cli {
namespace {

/// An option that takes one of two words.
template <class Value>
void add_choice(CLI::App& app, const std::string& name, Value& value, const Choice<Value>& choice,
                const std::string& help) {
  const std::string first{choice[0].first};
  const std::string second{choice[1].first};
  const auto take = [=, &value, &choice](const std::string& guarded_text) {
    const std::string text = unguarded(guarded_text);
    const auto chosen = value_of(text, choice);
    if (!chosen) {
      throw CLI::ValidationError(name, "\"" + text + "\" is neither " + first + " nor " + second);
    }
    value = *chosen;
  };
  app.add_option_function<std::string>(name, take, help)->type_name(first + "|" + second);
}

void add_time(CLI::App& app, const std::string& name,
              const std::function<void(std::chrono::milliseconds)>& keep, const std::string& help) {
  const auto take = [name, keep](const std::string& guarded) {
    const std::string text = unguarded(guarded);
    const auto time = parse_time(text);
    if (!time) {
      throw CLI::ValidationError(
          name, "\"" + text + "\"" + std::string{is_no_time} + ", such as 90, 90s or 2min");
    }
    keep(*time);
  };
  app.add_option_function<std::string>(name, take, help)->type_name("TIME");
}

/// A time, or no limit.
void add_limit(CLI::App& app, const std::string& name,
               std::optional<std::chrono::milliseconds>& limit, const std::string& help) {
  const auto take = [name, &limit](const std::string& guarded) {
    const std::string text = unguarded(guarded);
    limit = text == never ? std::nullopt : parse_time(text);
    if (!limit && text != never) {
      throw CLI::ValidationError(
          name, "\"" + text + "\"" + std::string{is_no_time} + ", such as 90, 90s, 2min or never");
    }
  };
  app.add_option_function<std::string>(name, take, help)->type_name("TIME");
}

/// Host memory that stays free.
void add_reserve(CLI::App& app, Kib& reserve) {
  const auto take = [&reserve](const std::string& guarded) {
    const std::string text = unguarded(guarded);
    const auto size = parse_size(text);
    if (!size) throw CLI::ValidationError("--reserve", size.error().message);
    if (size.value().kind == SizeRequest::Kind::relative) {
      throw CLI::ValidationError("--reserve", "\"" + text + "\" is a change, not a size");
    }
    const Kib least = ResizeOptions{}.host_reserve;
    if (size.value().amount < least) {
      throw CLI::ValidationError("--reserve", "memctl always leaves " + to_string(least) +
                                                  " to the host; \"" + text + "\" is less");
    }
    reserve = size.value().amount;
  };
  app.add_option_function<std::string>("--reserve", take,
                                       "Host memory that stays free (default: 64m)")
      ->type_name("SIZE");
}

}  // namespace

void add_switch(CLI::App& app, const std::string& name, bool& value, const std::string& help) {
  CLI::Option* option = app.add_flag(name, value, help)->disable_flag_override();
  option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);  // "-vv" is "-v"
}

namespace {

void add_common(CLI::App& app, Options& options) {
  const auto take = [&options](const std::string& text) { options.host = unguarded(text); };
  app.add_option_function<std::string>("--host", take, "xen: (the default), or sim: for a try-out")
      ->type_name("URI");
  const auto take_file = [&options](const std::string& text) { options.config = unguarded(text); };
  app.add_option_function<std::string>("--config", take_file,
                                       "Another configuration than /etc/memctl/memctl.toml")
      ->type_name("FILE");
  add_switch(app, "--json", options.json, "One JSON object a line on standard output");
  add_switch(app, "-v,--verbose", options.verbose, "Say more: each phase, and libxl's log lines");
}

}  // namespace

void add_domains(CLI::App& app, Options& options) {
  const auto take = [&options](const std::vector<std::string>& domains) {
    for (const std::string& domain : domains) options.domains.push_back(unguarded(domain));
  };
  app.add_option_function<std::vector<std::string>>("DOMAIN", take, "Names or numbers")
      ->type_name("");
  add_common(app, options);
}

void add_status_options(CLI::App& app, Options& options) {
  StatusLook& look = options.look;
  const auto take = [&look](const std::string& list) {
    auto columns = read_columns(unguarded(list));
    if (const auto* mistake = std::get_if<std::string>(&columns)) {
      throw CLI::ValidationError(*mistake);
    }
    look.columns = std::get<StatusColumns>(std::move(columns));
  };
  app.add_option_function<std::string>("-o,--output", take,
                                       "Only these columns; +COLUMN adds to the usual ones")
      ->type_name("COLUMNS");
  app.add_flag_callback(
      "--noheadings", [&look] { look.headings = false; }, "Only the domains: no other line");
  const auto add_unit = [&](const std::string& name, SizeUnit unit, const std::string& help) {
    app.add_flag_callback(
        name, [&look, unit] { look.unit = unit; }, help);
  };
  add_unit("-b,--bytes", SizeUnit::bytes, "Sizes in bytes, instead of MiB");
  add_unit("-H,--human", SizeUnit::human, "Sizes with their unit, such as 4G and 1536M");
}

std::string status_columns_text() {
  std::string text = "Columns:\n";
  for (const StatusColumn& column : status_columns()) {
    std::string line = "  " + std::string{column.name};
    line.resize(14, ' ');
    text += line + std::string{column.help} + "\n";
  }
  return text;
}

void add_resize_options(CLI::App& app, Options& options) {
  // CLI11 gives all words to the domains. The last of them is the size.
  const auto take = [&app, &options](const std::vector<std::string>& words) {
    for (const std::string& word : words) options.domains.push_back(unguarded(word));
    options.size = std::move(options.domains.back());
    options.domains.pop_back();
    app.get_option("SIZE")->add_result(options.size);
  };
  app.add_option_function<std::vector<std::string>>("DOMAIN", take, "Names or numbers")
      ->type_name("");
  app.add_option("SIZE")
      ->description("4g, 512m, 512 (MiB); +1g and -512m are relative")
      ->type_name("")
      ->required();
  add_switch(app, "-a,--all", options.all, "All guests");
  ResizeOptions& resize = options.resize;
  add_limit(app, "--timeout", resize.timeout, "Give up after this (default: never)");
  add_time(
      app, "--stall", [&resize](auto time) { resize.stall = time; },
      "Give up after this without progress (default: 30s)");
  add_time(
      app, "--wait-agent", [&resize](auto time) { resize.wait_agent = time; },
      "Wait this long for the guest's agent to appear");
  add_reserve(app, resize.host_reserve);
  add_choice(app, "--on-failure", resize.on_failure, on_failure_choice,
             "What to do if the resize fails (default: restore)");
  add_choice(app, "--online", resize.online, online_choice,
             "The zone for added memory (default: kernel)");
  add_choice(app, "--numa", resize.numa, numa_choice,
             "local: only from the guest's nodes (default: any)");
  add_switch(app, "--agentless", resize.agentless,
             "Without the guest's agent: verify Xen's count only");
  add_switch(app, "--allow-hvm-devices", resize.allow_hvm_devices,
             "hvm: emulated devices may not reach added memory");
  add_switch(app, "--force-movable", resize.force_movable,
             "movable: even if the guest's kernel may run dry");
  add_common(app, options);
  app.callback([&app, &options] {
    if (options.all == options.domains.empty()) return;
    if (!options.all) throw CLI::ValidationError(needs_domain_and_size(app));
    throw CLI::ValidationError(app.get_name() + " takes --all or domains, not both; \"" +
                               options.domains.front() + "\" is too much");
  });
}

namespace {

constexpr const char* resize_examples = R"(Examples:
  memctl resize web1 4g            grow or shrink web1 to 4 GiB
  memctl resize web1 +512m         512 MiB more than its target
  memctl resize web1 -512m         512 MiB less
  memctl resize web1 web2 db1 4g   three at once
  memctl resize --all --timeout 2min --on-failure keep +256m
  memctl resize --wait-agent 60 web1 4g
  memctl resize --json web1 4g     events and a report for a program
)";
constexpr const char* plan_examples = R"(Examples:
  memctl plan web1 4g              what a resize would do, step by step
  memctl plan --all +256m          and whether the host has enough for all
  memctl --host sim: plan demo-pv 1g
)";
constexpr const char* status_examples = R"(Examples:
  memctl status                    all guests; sizes in MiB
  memctl status -o +agent,kernel   the usual columns and two more
  memctl status --noheadings -b -o name,size
  memctl status web1 db1 --json
)";
constexpr const char* doctor_examples = R"(Examples:
  memctl doctor                    the host and all guests
  memctl doctor web1 --json        the host and web1, one object a finding
  memctl --host sim: doctor

Exit codes:
  0 nothing is bad; there may be notes, and checks that are not known
  1 something is bad; the line below it says what mends it
  3 no Xen, no such domain, or a domain that could not be asked
)";
constexpr const char* recover_examples = R"(Examples:
  memctl recover                   all guests, whatever killed processes left
  memctl recover web1 --json
  memctl --host sim: recover

An operation whose process lives is left alone. If memctl recover is
interrupted, call it again.

Exit codes:
  0 nothing was left behind, or it is restored
  3 busy, a damaged record, no Xen or no such domain: nothing changed
  5 restored in part, or kept as the resize had asked; the output says what
  6 the domain is gone, rebooted or moved
)";
constexpr const char* watch_examples = R"(Examples:
  memctl watch                     a table of all guests; Ctrl-C ends it
  memctl watch web1 db1 --interval 500ms
  memctl watch --json              one object for each change, for a program
)";
constexpr const char* config_examples = R"(Examples:
  memctl config                    the bounds and defaults of this host
  memctl config --config new.toml  what another file sets; 2 if it is wrong
  memctl config --json
)";
constexpr const char* exit_codes = R"(Exit codes:
  0 done and verified         3 refused: nothing changed
  1 doctor found a fault      4 failed, and restored
  2 wrong usage, size or      5 failed, and something was left behind
    configuration             6 the domain is gone, rebooted or moved
  74 the output could not be written (a resize keeps its own code)
  130 interrupted, and restored; a second Ctrl-C leaves that to memctl recover

memctl COMMAND --help tells more, with examples.
)";

}  // namespace

std::variant<Options, Answer> parse_options(std::vector<std::string> arguments,
                                            const ResizeOptions& defaults) {
  Options options{.resize = defaults};
  bool dry_run = false;
  CLI::App app{"Resizes the memory of running Xen guests, past their boot limit too.", "memctl"};
  app.set_version_flag("--version", "memctl " + std::string{version()}, "Show the version");
  app.set_help_flag("-h,--help", "Show this help");
  app.footer(exit_codes);
  app.get_formatter()->label("REQUIRED", "");
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.require_subcommand(1);
  add_common(app, options);

  CLI::App* resize = app.add_subcommand("resize", "Bring guests to a size, and verify it");
  add_resize_options(*resize, options);
  resize->group("Commands");
  add_switch(*resize, "-q,--quiet", options.quiet, "Print nothing if all went well");
  add_switch(*resize, "--dry-run", dry_run, "Only show what would be done, as plan does");
  resize->footer(resize_examples);
  CLI::App* plan = app.add_subcommand("plan", "Show what a resize would do, without doing it");
  add_resize_options(*plan, options);
  plan->group("Commands");
  plan->footer(plan_examples);
  CLI::App* status = app.add_subcommand("status", "Show guests, their limits and what is possible");
  add_domains(*status, options);
  add_status_options(*status, options);
  status->group("Commands");
  status->footer(status_columns_text() + "\n" + status_examples);
  CLI::App* doctor =
      app.add_subcommand("doctor", "Check host and guests, and tell what mends them");
  add_domains(*doctor, options);
  doctor->group("Commands");
  doctor->footer(doctor_examples);
  CLI::App* recover =
      app.add_subcommand("recover", "Restore what a resize left whose process died");
  add_domains(*recover, options);
  recover->group("Commands");
  recover->footer(recover_examples);
  CLI::App* watch = app.add_subcommand("watch", "Follow guests as they come, go and change");
  add_domains(*watch, options);
  add_status_options(*watch, options);
  add_time(
      *watch, "--interval", [&options](auto time) { options.interval = time; },
      "How often to ask guests (default: 2s)");
  watch->group("Commands");
  watch->footer(status_columns_text() + "\n" + watch_examples);
  CLI::App* config = app.add_subcommand("config", "Show bounds and defaults, and what sets them");
  add_common(*config, options);
  config->group("Commands");
  config->footer(config_examples);

  if (auto early = read_arguments(app, std::move(arguments))) return *std::move(early);
  const CLI::App* used = app.get_subcommands().front();
  if (used == status) {
    options.command = Command::status;
  } else if (used == doctor) {
    options.command = Command::doctor;
  } else if (used == recover) {
    options.command = Command::recover;
  } else if (used == watch) {
    options.command = Command::watch;
  } else if (used == config) {
    options.command = Command::config;
  } else {
    options.command = used == plan || dry_run ? Command::plan : Command::resize;
  }
  return options;
}

}  // namespace memctl::cli
