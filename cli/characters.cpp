// SPDX-License-Identifier: LGPL-2.1-or-later
#include "characters.hpp"

#include <algorithm>
#include <array>
#include <cwchar>
#include <optional>
#include <utility>

namespace memctl::cli {
namespace {

struct Character {
  std::optional<char32_t> code{};  ///< Nothing: the byte belongs to no UTF-8 character.
  std::size_t bytes{1};
};

/// The first character of `text`, which is not empty.
Character first_of(std::string_view text) {
  struct Form {
    unsigned mask, lead;
    std::size_t bytes;
    char32_t least;  ///< A smaller code in so many bytes is not UTF-8.
  };
  constexpr std::array<Form, 4> forms{{{0x80, 0x00, 1, 0},
                                       {0xe0, 0xc0, 2, 0x80},
                                       {0xf0, 0xe0, 3, 0x800},
                                       {0xf8, 0xf0, 4, 0x10000}}};
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const auto form = std::ranges::find_if(
      forms, [&](const Form& each) { return (byte(0) & each.mask) == each.lead; });
  if (form == forms.end() || text.size() < form->bytes) return {};
  char32_t code = byte(0) & ~form->mask & 0xffU;
  for (std::size_t at = 1; at < form->bytes; ++at) {
    if ((byte(at) & 0xc0U) != 0x80U) return {};
    code = (code << 6U) | (byte(at) & 0x3fU);
  }
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < form->least || code > 0x10ffff || surrogate) return {};
  return {code, form->bytes};
}

/// Control characters, what separates lines, what is invisible, and what turns the text's
/// direction.
bool is_harmful(char32_t code) {
  constexpr std::array<std::pair<char32_t, char32_t>, 7> harmful{{{0x00, 0x1f},
                                                                  {0x7f, 0x9f},
                                                                  {0x200b, 0x200f},
                                                                  {0x2028, 0x202e},
                                                                  {0x2060, 0x206f},
                                                                  {0xfeff, 0xfeff},
                                                                  {0xe0000, 0xe007f}}};
  return std::ranges::any_of(
      harmful, [&](const auto& range) { return code >= range.first && code <= range.second; });
}

/// The locale knows which characters are two columns wide, or none.
std::size_t width_of(const Character& character) {
  if (!character.code || *character.code < 0x80) return 1;
  const int width = ::wcwidth(static_cast<wchar_t>(*character.code));
  return width < 0 ? 1 : static_cast<std::size_t>(width);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const Character character = first_of(text);
    if (character.code == U'\n' || character.code == U'\t') {
      result += ' ';
    } else if (!character.code || is_harmful(*character.code)) {
      result += '?';
    } else {
      result += text.substr(0, character.bytes);
    }
    text.remove_prefix(character.bytes);
  }
  return result;
}

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const Character character = first_of(text);
    columns += width_of(character);
    text.remove_prefix(character.bytes);
  }
  return columns;
}

std::string cut_to(std::string_view text, std::size_t columns, std::string_view mark) {
  if (columns_of(text) <= columns) return std::string{text};
  const std::size_t room = columns - std::min(columns, columns_of(mark));
  std::string result;
  std::size_t used = 0;
  while (!text.empty()) {
    const Character character = first_of(text);
    used += width_of(character);
    if (used > room) break;
    result += text.substr(0, character.bytes);
    text.remove_prefix(character.bytes);
  }
  if (columns >= columns_of(mark)) result += mark;
  return result;
}

}  // namespace memctl::cli
