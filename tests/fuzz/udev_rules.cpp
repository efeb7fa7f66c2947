// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A file of udev's rules in the guest (agent/udev_rules.hpp).
#include "agent/udev_rules.hpp"

#include "bytes.hpp"
#include "require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memctl;
  const std::string text = fuzz::Bytes{data, size}.rest();
  const auto action = agent::action_of_rules(text);
  fuzz::require(agent::action_of_rules("# a comment\n" + text) == action,
                "a comment before the rules changes nothing");
  if (!text.ends_with('\\')) {
    fuzz::require(agent::action_of_rules(text + "\n# a comment\n") == action,
                  "a comment after the rules changes nothing");
  }
  return 0;
}
