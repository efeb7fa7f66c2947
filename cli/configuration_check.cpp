// SPDX-License-Identifier: LGPL-2.1-or-later
#include "configuration_check.hpp"

#include <utility>

#include "characters.hpp"
#include "memctl/size.hpp"

namespace memctl::cli {
namespace {

using Bound = std::optional<Kib> DomainPolicy::*;

/// How many characters a `*` stands for when it stands for many.
constexpr std::size_t many = 300;

std::string quoted(const DomainPolicy& entry) { return "\"" + printable(entry.name) + "\""; }
std::string in_line(int line) { return " in line " + std::to_string(line); }

/// A name that the pattern stands for: each `*` for `stars` characters, each `?` for one. No domain
/// has such characters, so only wildcards stand for them.
std::string instance(const std::string& pattern, std::size_t stars) {
  std::string name;
  for (const char each : pattern) {
    if (each == '*') {
      name.append(stars, '\x01');
    } else {
      name += each == '?' ? '\x01' : each;
    }
  }
  return name;
}

/// Compares the entries of a configuration with each other.
class Comparison {
 public:
  explicit Comparison(const Configuration& configuration)
      : configuration_{configuration}, deciding_{configuration.policy} {}

  /// What is wrong with this entry, given the other entries.
  [[nodiscard]] std::optional<Error> mistake(std::size_t index) const;

 private:
  [[nodiscard]] const DomainPolicy& entry(std::size_t index) const {
    return configuration_.policy.domains[index];
  }
  [[nodiscard]] const DomainLines& lines(std::size_t index) const {
    return configuration_.domain_lines[index];
  }
  [[nodiscard]] std::optional<Error> same_name(std::size_t index) const;
  [[nodiscard]] std::optional<std::size_t> taken_by(std::size_t index, Bound bound) const;
  [[nodiscard]] std::optional<Error> no_effect(std::size_t index, Bound bound,
                                               const std::string& word, int line) const;
  [[nodiscard]] std::optional<Error> crossed(std::size_t low, std::size_t high) const;

  const Configuration& configuration_;
  Deciding deciding_;
};

std::optional<Error> Comparison::same_name(std::size_t index) const {
  for (std::size_t earlier = 0; earlier < index; ++earlier) {
    if (entry(earlier).name != entry(index).name) continue;
    return configuration_mistake(
        configuration_, lines(index).entry,
        quoted(entry(index)) + " has an entry already" + in_line(lines(earlier).entry),
        "write both bounds into one entry");
  }
  return std::nullopt;
}

/// The earlier entry that gives this bound to every domain for which the entry stands.
std::optional<std::size_t> Comparison::taken_by(std::size_t index, Bound bound) const {
  std::optional<std::size_t> by;
  for (const std::size_t stars : {std::size_t{0}, std::size_t{1}, many}) {
    const auto decides = deciding_.entry(instance(entry(index).name, stars), bound);
    if (!decides || *decides >= index || (by && decides != by)) return std::nullopt;
    by = decides;
  }
  return by;
}

std::optional<Error> Comparison::no_effect(std::size_t index, Bound bound, const std::string& word,
                                           int line) const {
  if (!(entry(index).*bound)) return std::nullopt;
  const auto by = taken_by(index, bound);
  if (!by) return std::nullopt;
  const int earlier = lines(*by).entry;
  return configuration_mistake(configuration_, line,
                               "the " + word + " of " + quoted(entry(index)) +
                                   " never counts, because " + quoted(entry(*by)) +
                                   in_line(earlier) + " has one and comes first",
                               "move this entry before line " + std::to_string(earlier));
}

std::optional<Error> Comparison::crossed(std::size_t low, std::size_t high) const {
  const auto& least = entry(low).minimum;
  const auto& most = entry(high).maximum;
  if (!least || !most || *least <= *most) return std::nullopt;
  return configuration_mistake(
      configuration_, lines(low).minimum,
      "the minimum of " + quoted(entry(low)) + ", " + to_string(*least) + ", is above " +
          (low == high ? "its maximum" : "the maximum of " + quoted(entry(high))) + ", " +
          to_string(*most) + "," + in_line(lines(high).maximum),
      "lower the minimum, or raise the maximum");
}

std::optional<Error> Comparison::mistake(std::size_t index) const {
  if (auto error = same_name(index)) return error;
  if (auto error = no_effect(index, &DomainPolicy::minimum, "minimum", lines(index).minimum)) {
    return error;
  }
  if (auto error = no_effect(index, &DomainPolicy::maximum, "maximum", lines(index).maximum)) {
    return error;
  }
  if (auto error = crossed(index, index)) return error;
  // One bound may come from another entry.
  const std::string name = instance(entry(index).name, many);
  const auto low = deciding_.entry(name, &DomainPolicy::minimum);
  const auto high = deciding_.entry(name, &DomainPolicy::maximum);
  return low && high ? crossed(*low, *high) : std::nullopt;
}

}  // namespace

Error configuration_mistake(const Configuration& configuration, int line, const std::string& what,
                            std::string right) {
  return {.cause = Cause::invalid_argument,
          .message = configuration.place(line) + ": " + what,
          .hint = std::move(right)};
}

std::optional<Error> contradiction(const Configuration& configuration) {
  const Comparison comparison{configuration};
  for (std::size_t index = 0; index < configuration.domain_lines.size(); ++index) {
    if (auto error = comparison.mistake(index)) return error;
  }
  return std::nullopt;
}

}  // namespace memctl::cli
