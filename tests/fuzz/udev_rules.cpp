// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A file of udev's rules in the guest (agent/udev_rules.hpp).
#include "agent/udev_rules.hpp"

#include "bytes.hpp"
#include "require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memctl;
  const std::string text = fuzz::Bytes{data, size}.rest();
  const auto rules = agent::read_rules(text);
  fuzz::require(agent::read_rules("# a comment\n" + text).action == rules.action,
                "a comment before the rules changes nothing");
  const std::string separator = text.ends_with('\n') ? "" : "\n";
  fuzz::require(agent::read_rules(text + separator + "# a comment\n").action == rules.action,
                "a comment after the rules changes nothing");
  // Every program that a rule names is a script with this text.
  int scripts = 0;
  static_cast<void>(agent::read_rules(text, [&](const std::string&) {
    return ++scripts > 16 ? std::nullopt : agent::action_of_script(text);
  }));
  return 0;
}
