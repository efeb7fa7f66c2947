// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/core/record.hpp"

#include <algorithm>
#include <cstddef>

#include "agent/core/parse.hpp"

namespace memctl::agent {
namespace {

constexpr std::string_view header = "memctl-agent 1\n";
constexpr std::string_view footer = "end\n";
constexpr std::size_t longest_baseline = 3000;
constexpr std::size_t most_recorded_blocks = std::size_t{1} << 20;

/// "0-3,32". An ordinary guest has a few ranges.
std::string ranges(const std::vector<std::uint32_t>& ids) {
  std::string text;
  for (std::size_t begin = 0; begin < ids.size();) {
    std::size_t end = begin + 1;
    while (end < ids.size() && ids[end] == ids[end - 1] + 1) ++end;
    if (!text.empty()) text += ',';
    text += std::to_string(ids[begin]);
    if (end - begin > 1) text += '-' + std::to_string(ids[end - 1]);
    begin = end;
  }
  return text;
}

bool parse_ranges(std::string_view text, std::vector<std::uint32_t>& ids) {
  while (!text.empty()) {
    const auto item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    const auto dash = item.find('-');
    const auto first = parse_number(item.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_number(item.substr(dash + 1));
    if (!first || !last || *first > *last || *last > UINT32_MAX) return false;
    if (*last - *first >= most_recorded_blocks - ids.size()) return false;
    if (!ids.empty() && *first <= ids.back()) return false;
    for (auto id = *first; id <= *last; ++id) ids.push_back(static_cast<std::uint32_t>(id));
  }
  return true;
}

/// Takes "key value\n" off `text`.
std::optional<std::string_view> take(std::string_view& text, std::string_view key) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos || end <= key.size() || !text.starts_with(key) ||
      text[key.size()] != ' ') {
    return std::nullopt;
  }
  const auto value = text.substr(key.size() + 1, end - key.size() - 1);
  text.remove_prefix(end + 1);
  return value;
}

std::optional<std::uint64_t> take_number(std::string_view& text, std::string_view key) {
  const auto value = take(text, key);
  return value ? parse_number(*value) : std::nullopt;
}

}  // namespace

std::string to_text(const Record& record) {
  auto baseline = ranges(record.baseline);
  if (!record.baseline_known || baseline.size() > longest_baseline) baseline = "unknown";
  std::string text{header};
  text += "last_operation " + std::to_string(record.last_operation);
  text += "\nlast_sequence " + std::to_string(record.last_sequence);
  text += "\nactive " + std::to_string(record.active ? 1 : 0);
  text += "\noperation " + std::to_string(record.operation);
  text += "\nsequence " + std::to_string(record.sequence);
  text += std::string{"\npolicy "} + name(policy_for(record.zone));
  text += std::string{"\nearlier "} + (record.earlier ? name(*record.earlier) : "unknown");
  text += "\nlease_end_ms " + std::to_string(record.lease_end.count());
  text += "\nbaseline " + baseline + '\n';
  text += footer;
  return text;
}

std::optional<Record> parse_record(std::string_view text) {
  if (!text.starts_with(header)) return std::nullopt;
  text.remove_prefix(header.size());
  const auto last_operation = take_number(text, "last_operation");
  const auto last_sequence = take_number(text, "last_sequence");
  const auto active = take_number(text, "active");
  const auto operation = take_number(text, "operation");
  const auto sequence = take_number(text, "sequence");
  const auto policy = take(text, "policy");
  const auto earlier = take(text, "earlier");
  const auto lease_end = take_number(text, "lease_end_ms");
  const auto baseline = take(text, "baseline");
  if (!last_operation || !last_sequence || !active || !operation || !sequence || !policy ||
      !earlier || !lease_end || *lease_end > INT64_MAX / 2 || !baseline || text != footer) {
    return std::nullopt;
  }
  Record record;
  record.last_operation = *last_operation;
  record.last_sequence = *last_sequence;
  record.active = *active != 0;
  record.operation = *operation;
  record.sequence = *sequence;
  record.zone =
      *policy == name(OnlinePolicy::online_movable) ? OnlineZone::movable : OnlineZone::kernel;
  record.earlier = policy_named(*earlier);
  record.lease_end = Time{static_cast<std::int64_t>(*lease_end)};
  record.baseline_known = *baseline != "unknown";
  if (record.baseline_known && !parse_ranges(*baseline, record.baseline)) return std::nullopt;
  return record;
}

}  // namespace memctl::agent
