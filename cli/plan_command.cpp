// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "memctl/size.hpp"
#include "output.hpp"
#include "requests.hpp"

namespace memctl::cli {
namespace {

/// The host memory that a plan needs. Memory that other resizes give back is not counted, because
/// it may come too late.
Kib taken(const Plan& plan) {
  Kib memory;
  for (const Stage& stage : plan.stages) memory += stage.host_memory;
  return std::max(Kib{}, memory) + plan.pool_growth;
}

/// Each plan is made as if its resize were alone. If the host has too little for all of them, one
/// of the resizes would be refused.
std::optional<Error> too_much_together(const std::vector<Plan>& plans) {
  Kib needed;
  for (const Plan& plan : plans) needed += taken(plan);
  if (plans.size() < 2) return std::nullopt;
  const Plan& last = plans.back();
  const Kib spare = std::max(Kib{}, last.host_free - last.host_reserve);
  if (needed <= spare) return std::nullopt;
  return Error{.cause = Cause::host_memory,
               .message = "together they need " + to_string(needed) + ", and the host has " +
                          to_string(round_down(spare, 1_MiB)) + " beyond its reserve of " +
                          to_string(last.host_reserve) + ": those that come last would be refused",
               .hint = "ask for less, or for the most important of them"};
}

}  // namespace

ExitCode run_plan(const Options& options, Environment& environment) {
  Requests requests = look_up(options, environment);
  if (!requests.refused.empty()) return tell(std::move(requests), options, environment);
  if (requests.all.empty()) return tell_of_none(options, environment);

  std::vector<Pending<Plan>> pending;
  for (const Request& request : requests.all) {
    pending.push_back(request.domain.ask_plan(request.size, plan_options(options.resize)));
  }
  std::vector<Plan> plans;
  ExitCode code = ExitCode::verified;
  for (std::size_t each = 0; each < pending.size(); ++each) {
    const Request& request = requests.all[each];
    auto plan = pending[each].wait();
    if (!plan && has_ended_unnamed(options, plan.error())) continue;
    if (!plan) {
      code = worse(code, tell({std::move(plan).error(), request.identity(), request.requested()},
                              options, environment));
      continue;
    }
    if (const auto& configuration = environment.configuration()) {
      plan.value().range = with_source(std::move(plan.value().range), plan.value().domain.name,
                                       configuration.value());
    }
    code = worse(code, write(output_of(options, plan.value()), environment));
    plans.push_back(std::move(plan).value());
  }
  if (auto error = too_much_together(plans)) {
    code = worse(code, tell({*std::move(error), std::nullopt, std::nullopt}, options, environment));
  }
  return code;
}

}  // namespace memctl::cli
