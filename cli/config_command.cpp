// SPDX-License-Identifier: LGPL-2.1-or-later
#include <array>
#include <charconv>
#include <string>
#include <vector>

#include "characters.hpp"
#include "choice.hpp"
#include "commands.hpp"
#include "json.hpp"
#include "memctl/size.hpp"
#include "output.hpp"
#include "table.hpp"
#include "text.hpp"

namespace memctl::cli {
namespace {

/// "1.5 s": seconds as the file has them.
std::string show_seconds(std::chrono::milliseconds time) {
  std::array<char, 32> digits{};
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(),
                    static_cast<double>(time.count()) / 1000, std::chars_format::fixed);
  return std::string{digits.data(), end.ptr} + " s";
}

std::string text_of(const Configuration& configuration) {
  const ResizeOptions& resize = configuration.resize;
  Table table{{"SETTING", "VALUE", "SET BY"}, Table::Align::left};
  const auto add = [&](const char* key, std::string value) {
    const auto line = configuration.lines.find(key);
    table.add({key, std::move(value),
               line == configuration.lines.end() ? "default"
                                                 : printable(configuration.place(line->second))});
  };
  add("host.reserve", to_string(configuration.policy.host_reserve));
  add("host.numa", std::string{word_for(configuration.policy.numa, numa_choice)});
  add("resize.timeout", resize.timeout ? show_seconds(*resize.timeout) : "never");
  add("resize.stall", show_seconds(resize.stall));
  add("resize.on_failure", std::string{word_for(resize.on_failure, on_failure_choice)});
  add("resize.online", std::string{word_for(resize.online, online_choice)});
  add("resize.numa", std::string{word_for(resize.numa, numa_choice)});
  const auto add_bound = [&](const DomainPolicy& entry, const char* which, std::optional<Kib> size,
                             int line) {
    if (!size) return;
    table.add({std::string{which} + " of " + printable(entry.name), to_string(*size),
               printable(configuration.place(line))});
  };
  for (std::size_t each = 0; each < configuration.domain_lines.size(); ++each) {
    const DomainPolicy& entry = configuration.policy.domains[each];
    const DomainLines& lines = configuration.domain_lines[each];
    add_bound(entry, "minimum", entry.minimum, lines.minimum);
    add_bound(entry, "maximum", entry.maximum, lines.maximum);
  }
  const std::string absent =
      configuration.found ? "" : "there is no " + printable(configuration.file) + "\n";
  return table.text("") + absent;
}

}  // namespace

ExitCode run_config(const Options& options, Environment& environment) {
  const auto& configuration = environment.configuration();
  Output output;
  if (configuration) {
    output.out = options.json ? config_json(configuration.value()) : text_of(configuration.value());
  } else if (options.json) {
    output.out = config_error_json(configuration.error());
  } else {
    output.err = error_text(configuration.error(), options.verbose);
  }
  return write(output, environment);
}

}  // namespace memctl::cli
