// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the agent reads of its kernel and of its own record (agent/core/parse.hpp and record.hpp).
// The first byte chooses the parser.
#include <string>
#include <string_view>

#include "agent/core/parse.hpp"
#include "agent/core/record.hpp"
#include "bytes.hpp"
#include "require.hpp"
#include "support/read_lines.hpp"

namespace memctl::fuzz {
namespace {

using test::read_lines;

bool is_percentage(const std::optional<double>& value) {
  return !value || (*value >= 0 && *value <= 100);
}

void read_words(std::string_view text) {
  const std::string_view trimmed = agent::trimmed(text);
  require(trimmed.size() <= text.size(), "trimming adds nothing");
  if (const auto number = agent::parse_number(text)) {
    require(agent::parse_number(std::to_string(*number)) == number, "a number is read as written");
  }
  require(!agent::is_at_least(text, 4, 0) || agent::is_at_least(text, 3, 19),
          "whatever is at least 4.0 is at least 3.19");
  if (const auto block = agent::parse_block_name(text)) {
    require(agent::parse_block_name("memory" + std::to_string(*block)) == block,
            "a block's name is read as written");
  }
  static_cast<void>(agent::is_memory_uevent(text));
}

void read_record(std::string_view text) {
  const auto record = agent::parse_record(text);
  if (!record) return;
  const auto again = agent::parse_record(to_text(*record));
  require(again.has_value(), "a record that was read can be written");
  // A list of blocks that is too long is recorded as unknown.
  require(!again->baseline_known || *again == *record, "a record is read as it was written");
}

}  // namespace
}  // namespace memctl::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memctl;
  fuzz::Bytes bytes{data, size};
  const auto parser = bytes.below(5);
  const std::string text = bytes.rest();
  if (parser == 0) {
    const auto read = fuzz::read_lines<agent::MeminfoReader>(text);
    fuzz::require(read.total >= 0_KiB && read.available >= 0_KiB, "memory is not negative");
  } else if (parser == 1) {
    const auto read = fuzz::read_lines<agent::ZoneinfoReader>(text);
    fuzz::require(read.free(4_KiB) >= 0_KiB, "free memory is not negative");
    fuzz::require(read.reclaimable(4_KiB) >= 0_KiB, "reclaimable memory is not negative");
  } else if (parser == 2) {
    const auto read = fuzz::read_lines<agent::PressureReader>(text);
    fuzz::require(fuzz::is_percentage(read.some_avg10) && fuzz::is_percentage(read.full_avg10),
                  "a pressure is a percentage");
  } else if (parser == 3) {
    fuzz::read_words(text);
  } else {
    fuzz::read_record(text);
  }
  return 0;
}
