// SPDX-License-Identifier: LGPL-2.1-or-later
#include "commands.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "doctor_output.hpp"
#include "ending.hpp"
#include "json.hpp"
#include "memctl/size.hpp"
#include "options.hpp"
#include "output.hpp"
#include "recover_output.hpp"
#include "resize/doctor.hpp"
#include "resize/recover.hpp"
#include "text.hpp"

namespace memctl::scenario {
namespace {

using boost::asio::awaitable;
using cli::Ending;
using cli::Options;

void end(Command& command, const cli::Output& output) {
  command.out += output.out;
  command.err += output.err;
  command.status = static_cast<int>(output.code);
}

host::Task<DomainIdentity> find(host::Port& port, const std::string& name) {
  BOOST_OUTCOME_CO_TRY(const auto domains, co_await port.hypervisor().domains());
  const auto found = std::ranges::find(domains, name, &DomainIdentity::name);
  if (found == domains.end()) {
    co_return Error{.cause = Cause::no_such_domain,
                    .message = "no guest is called \"" + name + "\""};
  }
  co_return *found;
}

awaitable<void> resize(host::Port& port, Options& options, DomainIdentity domain, SizeRequest size,
                       Command& command) {
  const bool as_json = options.json;
  options.resize.on_event = [&command, as_json](const Event& event) {
    if (as_json) command.out += cli::progress_json(event);
  };
  command.operation = std::make_unique<resize::ResizeOperation>(port, domain, size, options.resize);
  auto result = co_await command.operation->run();
  std::optional<Kib> requested;
  if (size.kind == SizeRequest::Kind::absolute) requested = size.amount;
  end(command, output_of(options, result ? Ending{std::move(result).value()}
                                         : Ending{std::move(result).error(), domain, requested}));
}

awaitable<void> plan(host::Port& port, const Options& options, DomainIdentity domain,
                     SizeRequest size, Command& command) {
  auto planned = co_await resize::plan_only(port, domain, size, options.resize);
  if (planned) {
    end(command, output_of(options, planned.value()));
  } else {
    end(command, output_of(options, Ending{std::move(planned).error(), domain, std::nullopt}));
  }
}

awaitable<void> resize_or_plan(host::Port& port, Options& options, Command& command) {
  const auto size = parse_size(options.size);
  if (!size) {
    end(command, output_of(options, Ending{size.error(), std::nullopt, std::nullopt}));
    co_return;
  }
  const auto domain = co_await find(port, options.domain);
  if (!domain) {
    end(command, output_of(options, Ending{domain.error(), std::nullopt, std::nullopt}));
  } else if (options.command == cli::Command::plan) {
    co_await plan(port, options, domain.value(), size.value(), command);
  } else {
    co_await resize(port, options, domain.value(), size.value(), command);
  }
}

host::Task<DomainStatus> status_of(host::Port& port, const std::string& name,
                                   const Options& options) {
  BOOST_OUTCOME_CO_TRY(const auto domain, co_await find(port, name));
  co_return co_await resize::status_of(port, domain, options.resize);
}

/// The domains that were named, or all.
awaitable<std::vector<std::string>> names(host::Port& port, const Options& options) {
  std::vector<std::string> names = options.domains;
  if (!names.empty()) co_return names;
  const auto domains = co_await port.hypervisor().domains();
  for (const DomainIdentity& each : domains.value()) names.push_back(each.name);
  co_return names;
}

awaitable<void> status(host::Port& port, const Options& options, Command& command) {
  std::vector<DomainStatus> rows;
  auto code = cli::ExitCode::verified;
  for (const std::string& name : co_await names(port, options)) {
    const auto row = co_await status_of(port, name, options);
    if (!row) code = cli::ExitCode::refused;
    if (options.json) {
      command.out += row ? cli::status_json(row.value()) : cli::status_error_json(row.error());
    } else if (row) {
      rows.push_back(row.value());
    } else {
      command.err += cli::error_text(row.error(), options.verbose);
    }
  }
  if (!rows.empty()) command.out += cli::status_text(rows, options.verbose);
  command.status = static_cast<int>(code);
}

awaitable<void> doctor(host::Port& port, const Options& options, Command& command) {
  cli::DoctorOutput output{options};
  const Kib reserve = options.resize.host_reserve;
  command.out += output.add(co_await resize::examine_host(port, reserve), std::nullopt);
  for (const std::string& name : co_await names(port, options)) {
    const auto domain = co_await find(port, name);
    if (domain) {
      auto examined = co_await resize::examine_domain(port, domain.value(), options.resize);
      command.out += output.add(examined, domain.value());
    } else {
      command.out += output.add(domain.error());
    }
  }
  end(command, output.end());
}

awaitable<void> recover(host::Port& port, const Options& options, Command& command) {
  cli::RecoverOutput output{options};
  for (const std::string& name : co_await names(port, options)) {
    const auto domain = co_await find(port, name);
    if (domain) {
      auto recovered = co_await resize::recover(port, domain.value(), options.resize);
      command.out += output.add(recovered, domain.value());
    } else {
      command.out += output.add(domain.error());
    }
  }
  end(command, output.end());
}

awaitable<void> carry_out(host::Port& port, Options options, Command& command) {
  switch (options.command) {
    case cli::Command::resize:
    case cli::Command::plan:
      co_return co_await resize_or_plan(port, options, command);
    case cli::Command::status:
      co_return co_await status(port, options, command);
    case cli::Command::doctor:
      co_return co_await doctor(port, options, command);
    case cli::Command::recover:
      co_return co_await recover(port, options, command);
  }
}

}  // namespace

Commands::~Commands() {
  for (auto& [number, command] : commands_) {
    if (!command.status && command.operation) command.operation->cancel();
    wait(number, {});
  }
}

int Commands::start(const std::vector<std::string>& arguments) {
  const int number = static_cast<int>(commands_.size()) + 1;
  Command& command = commands_[number];
  auto parsed = cli::parse_options(arguments);
  if (const auto* answer = std::get_if<cli::Answer>(&parsed)) {
    command.out = answer->out;
    command.err = answer->err;
    command.status = answer->exit_code;
    return number;
  }
  boost::asio::co_spawn(simulation_.context,
                        carry_out(simulation_.port(), std::get<Options>(parsed), command),
                        boost::asio::detached);
  return number;
}

const Command& Commands::wait(int number, const std::string& text) {
  const Command& command = commands_.at(number);
  simulation_.context.restart();
  simulation_.connection.run_until([&] {
    return command.status || (!text.empty() && command.out.find(text) != std::string::npos);
  });
  return command;
}

void Commands::interrupt(int number) {
  Command& command = commands_.at(number);
  if (!command.status && command.operation) command.operation->cancel();
}

void Commands::pass(host::Duration duration) {
  auto& world = simulation_.world;
  const host::TimePoint until = simulation_.now() + duration;
  world.after(duration, [] {});  // so that the commands' time goes no further in one step
  simulation_.context.restart();
  simulation_.connection.run_until([&] { return !any_running() || simulation_.now() >= until; });
  if (simulation_.now() < until) world.advance(until - simulation_.now());
}

bool Commands::any_running() const {
  return std::ranges::any_of(commands_, [](const auto& each) { return !each.second.status; });
}

}  // namespace memctl::scenario
