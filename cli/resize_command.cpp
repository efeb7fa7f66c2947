// SPDX-License-Identifier: LGPL-2.1-or-later
#include <memory>
#include <utility>

#include "commands.hpp"
#include "display.hpp"
#include "ending.hpp"
#include "event_queue.hpp"
#include "output.hpp"
#include "requests.hpp"
#include "resize_several.hpp"

namespace memctl::cli {
namespace {

ExitCode resize(const Request& request, const Options& options, Environment& environment) {
  const auto queue = std::make_shared<EventQueue>();
  Operation operation = start(request, 0, options, queue);
  environment.on_interruption([queue, operation](Interruption interruption) mutable {
    if (interruption == Interruption::leave) return queue->abandon();
    operation.cancel();
    queue->push_cancelling();
  });

  Display display{options, request.identity(), environment};
  if (!display.follow(*queue) && !operation.done()) {
    display.end(Outcome::failed, display.elapsed());
    return tell(abandoned(request, display.elapsed(), environment), options, environment);
  }
  environment.on_interruption({});  // the operation has ended, so there is nothing to cancel

  Ending ending = ending_of(operation, request);
  ending.stopped_at = display.stopped_at();
  display.end(ending.outcome, ending.elapsed);
  return tell(std::move(ending), options, environment);
}

}  // namespace

ExitCode run_resize(const Options& options, Environment& environment) {
  Requests requests = look_up(options, environment);
  if (!requests.refused.empty()) return tell(std::move(requests), options, environment);
  if (requests.all.empty()) return tell_of_none(options, environment);
  if (requests.all.size() == 1) return resize(requests.all.front(), options, environment);
  return resize_several(requests.all, options, environment);
}

}  // namespace memctl::cli
