// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Each way to get a command line wrong, and the line that says so.
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "options.hpp"
#include "xl_options.hpp"

namespace memctl::cli {
namespace {

/// The words of a line, as a shell would split it. Two quotes are an empty word.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  std::istringstream stream{line};
  for (std::string word; stream >> word;) words.push_back(word == "''" ? "" : word);
  return words;
}

/// The answer to a command line that begins with the program's name.
std::variant<Options, Answer> read_line(const std::string& line) {
  std::vector<std::string> words = words_of(line);
  const auto of_xl = xl_command(words.front());
  words.erase(words.begin());
  return of_xl ? parse_xl_options(*of_xl, words) : parse_options(words);
}

struct Case {
  const char* line;
  const char* mistake;
  const char* help;  ///< The command whose help fits.
};

constexpr Case wrong_lines[] = {
    // No command, or an unknown one.
    {"memctl --json", "a command is needed: resize, plan, status, doctor, recover, watch or config",
     "memctl"},
    {"memctl statsu", "unknown command \"statsu\"; did you mean status?", "memctl"},
    {"memctl grow web1 4g", "unknown command \"grow\"", "memctl"},
    {"memctl ''", "unknown command \"\"", "memctl"},
    {"memctl -- status", "the command comes before --", "memctl status"},
    // An unknown option.
    {"memctl status --jsno", "status has no option \"--jsno\"; did you mean --json?",
     "memctl status"},
    {"memctl status --frobnicate=yes", "status has no option \"--frobnicate\"", "memctl status"},
    {"memctl status -x", "status has no option \"-x\"", "memctl status"},
    {"memctl status -vx", "status has no option \"-x\"", "memctl status"},
    {"memctl -verbose status", "status has no option \"-verbose\"; did you mean --verbose?",
     "memctl status"},
    {"memctl --jsno", "unknown option \"--jsno\"; did you mean --json?", "memctl"},
    {"memctl status ---json", "status has no option \"---json\"; did you mean --json?",
     "memctl status"},
    {"memctl status --=x", "status has no option \"--=x\"", "memctl status"},
    // An option in the wrong place.
    {"memctl --timeout 60 resize web1 4g",
     "--timeout comes after the command: memctl resize --timeout TIME", "memctl resize"},
    {"memctl --dry-run resize web1 4g",
     "--dry-run comes after the command: memctl resize --dry-run", "memctl resize"},
    {"memctl --timeout=60 status", "status has no option \"--timeout\"; resize and plan have it",
     "memctl status"},
    {"memctl --dry-run", "unknown option \"--dry-run\"; resize has it", "memctl"},
    {"memctl doctor --agentless", "doctor has no option \"--agentless\"; resize and plan have it",
     "memctl doctor"},
    // Values.
    {"memctl --host", "--host needs a value: --host URI", "memctl"},
    {"memctl --host= status", "--host needs a value: --host URI", "memctl status"},
    {"memctl --host '' status", "--host needs a value: --host URI", "memctl status"},
    {"memctl --host --json status", "--host needs a value: --host URI", "memctl status"},
    {"memctl resize web1 4g --on-failure", "--on-failure needs a value: --on-failure restore|keep",
     "memctl resize"},
    {"memctl status --config --", "--config needs a value: --config FILE", "memctl status"},
    {"memctl --json=yes status", "--json takes no value", "memctl status"},
    {"memctl resize web1 4g --dry-run=1", "--dry-run takes no value", "memctl resize"},
    {"memctl resize web1 4g --on-failure pray",
     "--on-failure: \"pray\" is neither restore nor keep", "memctl resize"},
    {"memctl resize web1 4g --online [kernel]",
     "--online: \"[kernel]\" is neither kernel nor movable", "memctl resize"},
    {"memctl resize web1 4g --stall -5",
     "--stall: \"-5\" is no time from 1ms to 8784h, such as 90, 90s or 2min", "memctl resize"},
    {"memctl resize web1 4g --timeout nan",
     "--timeout: \"nan\" is no time from 1ms to 8784h, such as 90, 90s, 2min or never",
     "memctl resize"},
    {"memctl plan web1 4g --reserve 1m",
     "--reserve: memctl always leaves 64 MiB to the host; \"1m\" is less", "memctl plan"},
    {"memctl status --output colour", "unknown column \"colour\"", "memctl status"},
    {"memctl resize web1 4g --stall 1 --stall 2", "--stall may be given only once",
     "memctl resize"},
    // Too few and too many arguments.
    {"memctl plan", "plan needs a domain and a size: memctl plan DOMAIN SIZE", "memctl plan"},
    {"memctl resize -512m", "resize needs a domain and a size: memctl resize DOMAIN SIZE",
     "memctl resize"},

    {"memctl resize --all", "resize --all needs a size: memctl resize --all SIZE", "memctl resize"},
    {"memctl plan --all web1 4g", "plan takes --all or domains, not both; \"web1\" is too much",
     "memctl plan"},
    {"memctl config web1", "config takes no argument; \"web1\" is too much", "memctl config"},
    // The first mistake counts, and a structure before a value.
    {"memctl resize web1 4g --stall nan --bogus", "resize has no option \"--bogus\"",
     "memctl resize"},
    // The commands of xl.
    {"xl-mem-resize web1", "xl-mem-resize needs a domain and a size: xl-mem-resize DOMAIN SIZE",
     "xl-mem-resize"},

    {"xl-mem-resize web1 4g --dry-runs",
     "xl-mem-resize has no option \"--dry-runs\"; did you mean --dry-run?", "xl-mem-resize"},
    {"xl-mem-resize -vNx web1 4g", "xl-mem-resize has no option \"-x\"", "xl-mem-resize"},
    {"xl-mem-resize web1 4g --online", "--online needs a value: --online kernel|movable",
     "xl-mem-resize"},
    {"xl-mem-status --agentless", "xl-mem-status has no option \"--agentless\"", "xl-mem-status"},
    {"xl-mem-status -N", "xl-mem-status has no dry run: it changes nothing", "xl-mem-status"},
    {"xl-mem-doctor --host", "--host needs a value: --host URI", "xl-mem-doctor"},
};

TEST(UsageMistake, EachIsOneLineAndTheHelpThatFits) {
  for (const Case& each : wrong_lines) {
    SCOPED_TRACE(each.line);
    const auto parsed = read_line(each.line);
    const auto* answer = std::get_if<Answer>(&parsed);
    ASSERT_NE(answer, nullptr) << "was accepted";
    EXPECT_EQ(answer->exit_code, 2);
    EXPECT_EQ(answer->out, "");
    const std::string help{each.help};
    EXPECT_EQ(answer->err, "memctl: " + std::string{each.mistake} + "\n  hint: " + help +
                               " --help " +
                               (help == "memctl" ? "lists the commands" : "shows how") + "\n");
  }
}

TEST(UsageMistake, WhatLooksLikeAMistakeAndIsNone) {
  for (const char* line : {
           "memctl -vv status",
           "memctl --json status --json",
           "memctl --host xen: status --host sim:",
           "memctl status - ++ %% [a,b] '' !x {}",
           "memctl status web1 -- -x --host",
           "memctl config --",
           "memctl resize -- -1 -512m",
           "memctl resize status plan --host=--json",
           "xl-mem-resize -tNtN -vfT web1 4g",
           "xl-mem-doctor -f -f",
       }) {
    EXPECT_TRUE(std::holds_alternative<Options>(read_line(line))) << line;
  }
}

TEST(UsageMistake, HelpIsShownWhateverElseIsWrong) {
  for (const char* line : {"memctl resize --help --bogus", "memctl plan -h", "memctl --version -x",
                           "xl-mem-resize -h", "memctl -h grow"}) {
    const auto parsed = read_line(line);
    const auto* answer = std::get_if<Answer>(&parsed);
    ASSERT_NE(answer, nullptr) << line;
    EXPECT_EQ(answer->exit_code, 0) << line << answer->err;
  }
}

TEST(UsageMistake, ALongWordIsCutAndAStrangeOneIsHarmless) {
  const auto said = [](const std::string& word) {
    return std::get<Answer>(parse_options({word})).err;
  };
  EXPECT_TRUE(said(std::string(5000, 'x'))
                  .starts_with("memctl: unknown command \"" + std::string(57, 'x') + "...\"\n"));
  EXPECT_TRUE(said("a\x1b[2J\n\x01").starts_with("memctl: unknown command \"a?[2J ?\"\n"));
}

}  // namespace
}  // namespace memctl::cli
