// SPDX-License-Identifier: LGPL-2.1-or-later
#include "memctl/size.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>

#include "base/finite.hpp"
#include "base/text.hpp"

namespace memctl {
namespace {

struct Unit {
  std::string_view suffix;
  Kib size;
};
constexpr std::array units = {Unit{"", 1_MiB},    Unit{"k", 1_KiB},   Unit{"m", 1_MiB},
                              Unit{"g", 1_GiB},   Unit{"t", 1_TiB},   Unit{"kib", 1_KiB},
                              Unit{"mib", 1_MiB}, Unit{"gib", 1_GiB}, Unit{"tib", 1_TiB}};

Error bad_size(std::string_view text, std::string_view why) {
  return {
      .cause = Cause::invalid_size,
      .message = "\"" + printable(text, 40) + "\" " + std::string{why},
      .hint = "write a whole number with a unit, such as 1024m, 4g or +512m; a bare number is MiB"};
}

}  // namespace

Result<SizeRequest> parse_size(std::string_view text) {
  std::string_view rest = text;
  const bool relative = !rest.empty() && (rest.front() == '+' || rest.front() == '-');
  const bool negative = relative && rest.front() == '-';
  if (relative) rest.remove_prefix(1);

  std::int64_t number = 0;
  const auto [end, status] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (status == std::errc::result_out_of_range) return bad_size(text, "is larger than any memory");
  if (status != std::errc{} || number < 0) return bad_size(text, "is not a size");
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  if (rest.size() > 1 && rest.front() == ' ') rest.remove_prefix(1);

  std::string suffix{rest};
  std::ranges::transform(suffix, suffix.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto* unit = std::ranges::find(units, suffix, &Unit::suffix);
  if (unit == units.end()) {
    const bool decimal =
        suffix.size() == 2 && suffix.back() == 'b' &&
        std::ranges::find(units, suffix.substr(0, 1), &Unit::suffix) != units.end();
    return bad_size(text, decimal ? "is not a size: KB, MB, GB and TB each have two meanings"
                                  : "is not a size");
  }
  if (number > vast_size / unit->size) return bad_size(text, "is larger than any memory");
  if (negative && suffix.empty()) {
    // Scripts use -1 for "none", and that must not take memory from a guest.
    return bad_size(
        text, "needs a unit to be a size to shrink by, as in -" + std::to_string(number) + "m");
  }
  if (number == 0) return bad_size(text, relative ? "changes nothing" : "is no size for a guest");

  const Kib amount = unit->size * number;
  return relative ? SizeRequest::relative(negative ? -amount : amount) : SizeRequest{amount};
}

std::string to_string(Kib size) {
  const bool whole = size == 1_MiB * (size / 1_MiB);
  return whole ? std::to_string(size / 1_MiB) + " MiB" : std::to_string(size.count()) + " KiB";
}

}  // namespace memctl
