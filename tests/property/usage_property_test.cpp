// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whatever words follow the command's name: they are read, or one line of ours says what is wrong.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <regex>
#include <string>
#include <vector>

#include "options.hpp"
#include "xl_options.hpp"

namespace memctl::cli {
namespace {

using Words = std::vector<std::string>;

const Words known_words = {
    "resize",
    "plan",
    "status",
    "doctor",
    "recover",
    "config",
    "web1",
    "4g",
    "-512m",
    "+1g",
    "0",
    "",
    "-",
    "--",
    "++",
    "[a,b]",
    "[]",
    "{}",
    "%%",
    "a b",
    "-5",
    "--host",
    "--host=sim:",
    "sim:",
    "--host=",
    "--json",
    "--json=yes",
    "--json=",
    "-v",
    "-vv",
    "-v5",
    "-x",
    "-vx",
    "-verbose",
    "--verbose",
    "--timeout",
    "60",
    "never",
    "--timeout=5",
    "--stall=nan",
    "--stall",
    "--on-failure",
    "keep",
    "restore",
    "pray",
    "--online",
    "kernel",
    "--online=movable",
    "--config",
    "/dev/null",
    "--dry-run",
    "--dryrun",
    "--agentless",
    "--allow-hvm-devices",
    "--force-movable",
    "--help",
    "-h",
    "--version",
    "-N",
    "-t",
    "-f",
    "-T",
    "---x",
    "--=",
    "--=x",
    "-=",
    "!x",
    "@file",
    "\x01",
    "\x01-5",
    "a\nb",
    "a\x1b[2J",
    "\xff\xfe",
    "statsu",
    "--tiemout",
    "resise",
    "--on-failur=",
    "-o",
    "-oname",
    "--noheadings",
    "-b",
    "-bH",
    "--output=",
    "-o,",
    "size,",
    "+uuid",
    "true",
    "false",
    "--no-json",
    "-1",
    "--host=[x]",
    "--config=++",
    "0x10",
    "-a",
    "--all",
    "-q",
    "--quiet",
    "--reserve",
    "--reserve=1g",
    "--wait-agent",
    "5s",
    "2min",
    "--timeout=",
    "-- ",
    "--a b",
    "/help",
    "--stall=-1",
};

/// Every line that says what is wrong with a command line.
const std::array<std::regex, 16> mistakes = {
    std::regex{R"(a command is needed: resize, .* or \S+)"},
    std::regex{R"(the command comes before --)"},
    std::regex{R"(unknown command ".*"(; did you mean [a-z]+\?)?)"},
    std::regex{R"(unknown option ".*"(; did you mean --[a-z-]+\?)?)"},
    std::regex{R"(unknown option ".*"; [a-z ,]+ ha(s|ve) it)"},
    std::regex{R"([a-z-]+ has no option ".*"(; did you mean --[a-z-]+\?)?)"},
    std::regex{R"([a-z-]+ has no option ".*"; [a-z ,]+ ha(s|ve) it)"},
    std::regex{R"(-\S+ comes after the command: memctl [a-z]+ -.*)"},
    std::regex{R"(-\S+ takes no value)"},
    std::regex{R"((-\S+) needs a value: \1 [A-Za-z|]+)"},
    std::regex{R"(-\S+ may be given only once)"},
    std::regex{R"(--reserve: (memctl always leaves .* is less|".*" is a change, .*|.*size.*))"},
    std::regex{R"([a-z-]+ --all needs a size: (memctl )?[a-z-]+ --all SIZE)"},
    std::regex{R"([a-z-]+ (needs|takes) .*(DOMAIN|is too much).*)"},
    std::regex{R"(unknown column ".*"(; did you mean [A-Z-]+\?)?|a column's name is missing)"},
    std::regex{R"(--[a-z-]+: ".*" is (no|neither|not) .*|xl-mem-[a-z]+ has no dry run: .*)"},
};

void check_answer(const std::variant<Options, Answer>& parsed) {
  const auto* answer = std::get_if<Answer>(&parsed);
  if (answer == nullptr) return;
  if (answer->exit_code == 0) {
    RC_ASSERT(!answer->out.empty() && answer->err.empty());
    return;
  }
  RC_ASSERT(answer->exit_code == 2);
  RC_ASSERT(answer->out.empty());
  RC_LOG() << answer->err;
  std::smatch parts;
  const std::regex form{"memctl: ([^\n\x01]*)\n  hint: (memctl|xl-mem-)[a-z ]*--help [a-z ]+\n"};
  RC_ASSERT(std::regex_match(answer->err, parts, form));
  const std::string mistake = parts[1];
  RC_ASSERT(std::ranges::any_of(
      mistakes, [&](const std::regex& each) { return std::regex_match(mistake, each); }));
}

void check_all(const Words& words) {
  check_answer(parse_options(words));
  for (const Command command : {Command::resize, Command::status, Command::doctor}) {
    check_answer(parse_xl_options(command, words));
  }
}

rc::Gen<Words> some_words() { return rc::gen::container<Words>(rc::gen::elementOf(known_words)); }

RC_GTEST_PROP(UsageProperty, AnyWordsAreReadOrOneLineSaysWhatIsWrong, ()) {
  check_all(*some_words());
}

RC_GTEST_PROP(UsageProperty, AnyWordsAfterACommandAreReadOrOneLineSaysWhatIsWrong, ()) {
  Words words = *some_words();
  words.insert(words.begin(),
               *rc::gen::elementOf(Words(known_words.begin(), known_words.begin() + 6)));
  check_all(words);
}

RC_GTEST_PROP(UsageProperty, AnyBytesAreReadOrOneLineSaysWhatIsWrong, (Words words)) {
  // No word of a command line has a zero byte.
  for (std::string& word : words) std::erase(word, '\0');
  check_all(words);
}

RC_GTEST_PROP(UsageProperty, DomainsComeThroughAsTheyAre, (Words names)) {
  for (std::string& name : names) std::erase(name, '\0');
  Words words = {"status", "--"};
  words.insert(words.end(), names.begin(), names.end());
  const auto parsed = parse_options(words);
  RC_ASSERT(std::holds_alternative<Options>(parsed));
  RC_ASSERT(std::get<Options>(parsed).domains == names);
}

RC_GTEST_PROP(UsageProperty, ValuesComeThroughAsTheyAre, (std::string value)) {
  std::erase(value, '\0');
  RC_PRE(!value.empty());
  const auto parsed = parse_options({"status", "--host=" + value, "--config=" + value});
  RC_ASSERT(std::holds_alternative<Options>(parsed));
  RC_ASSERT(std::get<Options>(parsed).host == value);
  RC_ASSERT(std::get<Options>(parsed).config == value);
}

}  // namespace
}  // namespace memctl::cli
