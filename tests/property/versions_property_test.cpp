// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whatever a later version adds to messages and records, this one reads what it knows of them.
#include <absl/strings/escaping.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "guest/message.hpp"
#include "resize/journal.hpp"

namespace memctl {
namespace {

using nlohmann::json;

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
  return bytes + static_cast<char>(value);
}

/// A field of protobuf that no message has yet.
std::string unknown_field() {
  const std::uint64_t number = *rc::gen::inRange(100, 1 << 20);
  switch (*rc::gen::inRange(0, 4)) {
    case 0:
      return varint(number << 3 | 0) + varint(*rc::gen::arbitrary<std::uint64_t>());
    case 1:
      return varint(number << 3 | 1) + std::string(8, '\x7f');
    case 2: {
      const std::string text(static_cast<std::size_t>(*rc::gen::inRange(0, 200)), '\xff');
      return varint(number << 3 | 2) + varint(text.size()) + text;
    }
    default:
      return varint(number << 3 | 5) + std::string(4, '\x7f');
  }
}

/// `value`, as a version would have written it that knows more fields.
std::string with_more_fields(const std::string& value) {
  std::string bytes;
  RC_ASSERT(absl::Base64Unescape(value, &bytes));
  const int count = *rc::gen::inRange(0, 4);
  for (int i = 0; i < count; ++i) bytes += unknown_field();
  return absl::Base64Escape(bytes);
}

std::int64_t count() { return *rc::gen::inRange<std::int64_t>(0, 1 << 20); }
Kib size() { return Kib{*rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << 42)}; }

RC_GTEST_PROP(VersionsProperty, AReportWithMoreFieldsIsReadAsBefore, ()) {
  AgentReport report{.operation = *rc::gen::arbitrary<std::uint64_t>(),
                     .request = *rc::gen::arbitrary<std::uint64_t>(),
                     .sequence = *rc::gen::inRange<std::uint64_t>(1, std::uint64_t{1} << 63),
                     .phase = static_cast<AgentPhase>(*rc::gen::inRange(0, 5)),
                     .blocks_present = count(),
                     .mem_total = size(),
                     .kernel_zone_free = size()};
  if (*rc::gen::arbitrary<bool>()) report.balloon_target = size();
  const std::string value = guest::encode(report);
  const auto read = guest::decode_report(with_more_fields(value));
  RC_ASSERT(read.has_value());
  RC_ASSERT(guest::encode(*read) == value);
}

RC_GTEST_PROP(VersionsProperty, ARequestWithMoreFieldsIsReadAsBefore, ()) {
  const AgentRequest request{.protocol = *rc::gen::inRange(1U, 9U),
                             .operation = *rc::gen::arbitrary<std::uint64_t>(),
                             .sequence = *rc::gen::arbitrary<std::uint64_t>(),
                             .kind = static_cast<RequestKind>(*rc::gen::inRange(0, 3)),
                             .target = size(),
                             .lease_seconds = *rc::gen::inRange(1U, 86401U)};
  const std::string value = guest::encode(request);
  const auto read = guest::decode_request(with_more_fields(value));
  RC_ASSERT(read.has_value());
  RC_ASSERT(guest::encode(*read) == value);
}

RC_GTEST_PROP(VersionsProperty, AHelloTellsItsProtocolsWhateverElseItHas, ()) {
  AgentHello hello{.protocol_min = *rc::gen::inRange(1U, 6U),
                   .agent_version = "9.9",
                   .block_size = 128_MiB,
                   .hotplug = true};
  hello.protocol_max = hello.protocol_min + *rc::gen::inRange(0U, 4U);
  std::string value = with_more_fields(guest::encode(hello));
  const bool understood = hello.protocol_min <= guest::protocol_max;
  if (!understood) {
    // The known fields may have other meanings in another protocol: here a block size of 3 KiB.
    std::string bytes;
    RC_ASSERT(absl::Base64Unescape(value, &bytes));
    value = absl::Base64Escape(bytes + varint(6 << 3) + varint(3));
  }
  const auto read = guest::decode_hello(value);
  RC_ASSERT(read.has_value());
  RC_ASSERT(read->protocol_min == hello.protocol_min);
  RC_ASSERT(read->protocol_max == hello.protocol_max);
  RC_ASSERT(read->agent_version == "9.9");
  RC_ASSERT(read->block_size == (understood ? 128_MiB : 0_MiB));
}

resize::Record random_record() {
  resize::Record record{.owner = *rc::gen::element<std::string>("", "nobody", "a:1:2:3"),
                        .operation = *rc::gen::arbitrary<std::uint64_t>(),
                        .size = size(),
                        .present = size(),
                        .limit = size(),
                        .max_pages = size(),
                        .settled_offset = size() - size(),
                        .to = size(),
                        .keep = *rc::gen::arbitrary<bool>()};
  if (*rc::gen::arbitrary<bool>()) record.pool = size();
  if (*rc::gen::arbitrary<bool>()) record.frozen_pool = size();
  return record;
}

RC_GTEST_PROP(VersionsProperty, ARecordWithMoreMembersIsReadAsBefore, ()) {
  const resize::Record record = random_record();
  json text = json::parse(resize::to_text(record));
  const json more = *rc::gen::element<json>(json(nullptr), json(-1), json("x"), json::array({1}),
                                            json::object({{"owner", "z"}}));
  for (const char* name : {"a", "stages", "zone"}) {
    if (*rc::gen::arbitrary<bool>()) text[name] = more;
  }
  RC_ASSERT(resize::record_from(text.dump()) == record);
}

RC_GTEST_PROP(VersionsProperty, ARecordOfAnotherFormatOrWithANonsensicalSizeIsNotRead, ()) {
  json text = json::parse(resize::to_text(random_record()));
  if (*rc::gen::arbitrary<bool>()) {
    text["format"] = *rc::gen::element<json>(json(0), json(2), json(1.0), json("1"), json(-1));
  } else {
    const auto* key = *rc::gen::element("size_kib", "present_kib", "limit_kib", "max_pages_kib",
                                        "settled_offset_kib", "to_kib", "operation", "owner");
    text[key] =
        *rc::gen::element<json>(json(nullptr), json(1e300), json(0.5), json(true),
                                json(-(std::int64_t{1} << 43)), json::array(), json::object());
  }
  RC_ASSERT(!resize::record_from(text.dump()).has_value());
  text.erase("to_kib");
  RC_ASSERT(!resize::record_from(text.dump()).has_value());
}

}  // namespace
}  // namespace memctl
