// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/sim/json_object.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "host/store.hpp"
#include "memctl/size.hpp"

namespace memctl::host::sim {
namespace {

constexpr std::size_t most_elements = 16384;
/// No wait at such a pace overflows.
constexpr double slowest_pace = 0.001;
constexpr double fastest_pace = 1'000'000;

}  // namespace

std::string shown(std::string_view text) { return printable(text, 64); }

JsonObject::JsonObject(const Json& json, std::string where)
    : json_{json}, where_{std::move(where)} {
  if (json.is_object()) return;
  throw JsonWrong{(where_.empty() ? "the whole" : where_) + " is no object", "write {...} there"};
}

std::string JsonObject::listed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string JsonObject::place(const std::string& key) const {
  return where_.empty() ? shown(key) : where_ + "." + shown(key);
}

JsonWrong JsonObject::wrong(const std::string& key, const std::string& what,
                            std::string hint) const {
  return {place(key) + " " + what, std::move(hint)};
}

void JsonObject::take(const char* key, const std::function<void(const Json&)>& read) {
  if (std::ranges::find(known_, key) == known_.end()) known_.emplace_back(key);
  const auto found = json_.find(key);
  if (found != json_.end()) read(*found);
}

void JsonObject::operator()(const char* key, Kib& size) {
  take(key, [&](const Json& value) {
    const auto parsed = value.is_string() ? parse_size(value.get<std::string>())
                                          : Result<SizeRequest>{SizeRequest{Kib{-1}}};
    const bool sound = parsed && parsed.value().kind == SizeRequest::Kind::absolute &&
                       parsed.value().amount >= Kib{};
    if (!sound) throw wrong(key, "is no size", "write it as \"512MiB\" or \"4GiB\"");
    size = parsed.value().amount;
  });
}

void JsonObject::operator()(const char* key, std::optional<Kib>& size) {
  Kib given{};
  (*this)(key, given);
  if (json_.contains(key)) size = given;
}

void JsonObject::operator()(const char* key, bool& flag) {
  take(key, [&](const Json& value) {
    if (!value.is_boolean()) throw wrong(key, "is neither true nor false", "write true or false");
    flag = value.get<bool>();
  });
}

void JsonObject::operator()(const char* key, std::string& text) {
  take(key, [&](const Json& value) {
    if (!value.is_string()) throw wrong(key, "is no text", "write it in quotes");
    std::string given = value.get<std::string>();
    if (given.size() > longest_value || given.find('\0') != std::string::npos) {
      throw wrong(
          key,
          "is no text of at most " + std::to_string(longest_value) + " bytes without a zero byte",
          "shorten it");
    }
    text = std::move(given);
  });
}

void JsonObject::operator()(const char* key, int& number) {
  take(key, [&](const Json& value) {
    if (!value.is_number_integer() || value < 0 || value > 1'000'000) {
      throw wrong(key, "is no number from 0 to 1000000", "write a whole number");
    }
    number = value.get<int>();
  });
}

void JsonObject::operator()(const char* key, std::uint64_t& number) {
  take(key, [&](const Json& value) {
    if (!value.is_number_unsigned()) throw wrong(key, "is no number", "write a whole number");
    number = value.get<std::uint64_t>();
  });
}

void JsonObject::operator()(const char* key, Duration& seconds) {
  take(key, [&](const Json& value) {
    if (!value.is_number() || value < 0 || value > 1'000'000) {
      throw wrong(key, "is no time", "write seconds, such as 1.5");
    }
    const std::chrono::duration<double> given{value.get<double>()};
    seconds = std::chrono::duration_cast<Duration>(given);
  });
}

void JsonObject::operator()(const char* key, std::optional<double>& pace) {
  take(key, [&](const Json& value) {
    if (!value.is_number() || value < slowest_pace || value > fastest_pace) {
      throw wrong(key, "is no number from 0.001 to 1000000", "write a number, such as 1 or 0.5");
    }
    pace = value.get<double>();
  });
}

void JsonObject::each(const char* key,
                      const std::function<void(const Json&, const std::string&)>& read) {
  take(key, [&](const Json& value) {
    if (!value.is_array()) throw wrong(key, "is no list", "write [...] there");
    if (value.size() > most_elements) {
      throw wrong(key, "has more than 16384 elements", "leave some out");
    }
    for (std::size_t i = 0; i < value.size(); ++i) {
      read(value[i], place(key) + "[" + std::to_string(i) + "]");
    }
  });
}

void JsonObject::require(const char* key) const {
  if (!json_.contains(key)) throw wrong(key, "is missing", "add it");
}

void JsonObject::done() const {
  for (const auto& [key, value] : json_.items()) {
    if (std::ranges::find(known_, key) == known_.end()) {
      throw wrong(key, "is unknown", "allowed are " + listed(known_));
    }
  }
}

}  // namespace memctl::host::sim
