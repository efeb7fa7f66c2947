// SPDX-License-Identifier: LGPL-2.1-or-later
#include "exit_code.hpp"

#include <algorithm>
#include <array>

namespace memctl::cli {

ExitCode exit_code(Outcome outcome, std::optional<Cause> cause) {
  switch (outcome) {
    case Outcome::verified:
      return ExitCode::verified;
    case Outcome::refused:
      // A cancelled refusal changed nothing, so its exit code is that of a restored resize.
      if (cause == Cause::cancelled) return ExitCode::interrupted;
      return cause == Cause::invalid_size ? ExitCode::usage : ExitCode::refused;
    case Outcome::restored:
      return cause == Cause::cancelled ? ExitCode::interrupted : ExitCode::restored;
    case Outcome::kept:
    case Outcome::superseded:
    case Outcome::failed:
      return ExitCode::left_behind;
    case Outcome::gone:
      return ExitCode::gone;
  }
  return ExitCode::left_behind;
}

ExitCode worse(ExitCode one, ExitCode other) {
  constexpr std::array order = {ExitCode::left_behind, ExitCode::gone,    ExitCode::interrupted,
                                ExitCode::restored,    ExitCode::refused, ExitCode::usage};
  const auto place = [&](ExitCode code) { return std::ranges::find(order, code); };
  if (place(one) == order.end() && place(other) == order.end()) return std::max(one, other);
  return place(one) <= place(other) ? one : other;
}

ExitCode without_output(Command command, ExitCode code) {
  const bool tells_of_a_domain =
      command == Command::resize || (command == Command::recover && code != ExitCode::verified);
  return tells_of_a_domain ? code : ExitCode::output_lost;
}

}  // namespace memctl::cli
