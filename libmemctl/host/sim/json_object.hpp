// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/clock.hpp"
#include "memctl/units.hpp"

namespace memctl::host::sim {

using Json = nlohmann::json;

/// `JsonObject` throws it. The function that reads the whole text turns it into an `Error`. It says
/// what is wrong, and what would be right.
struct JsonWrong {
  std::string message;
  std::string hint;
};

/// The beginning of a text of the file, for a message.
[[nodiscard]] std::string shown(std::string_view text);

template <class T>
struct JsonWord {
  const char* text;
  T value;
};

/// Reads the members of one JSON object into variables. If a member is missing, its variable keeps
/// its value. Texts and lists are bounded, and so are numbers: with what is read here nothing
/// overflows. Throws `JsonWrong` for unknown members and wrong values.
class JsonObject {
 public:
  /// `where` is the object's name in messages. Empty: it is the outermost object.
  JsonObject(const Json& json, std::string where);

  void operator()(const char* key, Kib& size);
  void operator()(const char* key, std::optional<Kib>& size);
  void operator()(const char* key, bool& flag);
  void operator()(const char* key, std::string& text);
  void operator()(const char* key, int& number);
  void operator()(const char* key, std::uint64_t& number);
  void operator()(const char* key, Duration& seconds);
  void operator()(const char* key, std::optional<double>& pace);
  template <class T, std::size_t N>
  void operator()(const char* key, T& value, const std::array<JsonWord<T>, N>& words);
  /// Calls `read` for each element of an array, with the element's place.
  void each(const char* key, const std::function<void(const Json&, const std::string&)>& read);

  void require(const char* key) const;
  /// Throws if the object has unknown members. Must be called after all known members were read.
  void done() const;
  [[nodiscard]] JsonWrong wrong(const std::string& key, const std::string& what,
                                std::string hint) const;
  [[nodiscard]] static std::string listed(const std::vector<std::string>& words);

 private:
  [[nodiscard]] std::string place(const std::string& key) const;
  void take(const char* key, const std::function<void(const Json&)>& read);
  const Json& json_;
  std::string where_;
  std::vector<std::string> known_{};
};

template <class T, std::size_t N>
void JsonObject::operator()(const char* key, T& value, const std::array<JsonWord<T>, N>& words) {
  std::string text;
  (*this)(key, text);
  if (!json_.contains(key)) return;
  std::vector<std::string> allowed;
  for (const JsonWord<T>& word : words) {
    if (text == word.text) {
      value = word.value;
      return;
    }
    allowed.emplace_back(word.text);
  }
  throw wrong(key, "is \"" + shown(text) + "\"", "allowed are " + listed(allowed));
}

}  // namespace memctl::host::sim
