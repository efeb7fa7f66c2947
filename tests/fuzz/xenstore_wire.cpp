// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the agent reads from xenstored (agent/xenstore_wire.hpp). The first byte says in which
// pieces the rest arrives.
#include "agent/xenstore_wire.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "bytes.hpp"
#include "require.hpp"

namespace memctl::fuzz {
namespace {

struct Stream {
  std::string messages{};  ///< The bytes of all complete messages.
  bool understood{true};
};

/// Reads the bytes in pieces of at most `piece`.
Stream read(std::string_view bytes, std::size_t piece) {
  Stream stream;
  agent::XenstoreReader reader;
  while (!bytes.empty()) {
    const auto room = reader.room();
    require(!room.empty(), "there is always room for the next byte");
    const auto count = std::min({room.size(), bytes.size(), piece});
    std::memcpy(room.data(), bytes.data(), count);
    bytes.remove_prefix(count);
    if (!reader.filled(count)) {
      stream.understood = false;
      break;
    }
    if (const auto message = reader.message()) {
      require(message->body.size() <= agent::xenstore_body_max, "a body is bounded");
      require(agent::error_number(message->body) > 0, "an error has a number");
      stream.messages += to_bytes(*message);
    }
  }
  return stream;
}

/// Messages as they are read have no transaction, whatever number came.
std::string without_transactions(std::string bytes) {
  std::uint32_t length = 0;
  for (std::size_t at = 0; at + 16 <= bytes.size(); at += std::size_t{16} + length) {
    std::memset(bytes.data() + at + 8, 0, 4);
    std::memcpy(&length, bytes.data() + at + 12, sizeof length);
  }
  return bytes;
}

}  // namespace
}  // namespace memctl::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace memctl;
  fuzz::Bytes input{data, size};
  const std::size_t piece = input.below(256) + 1;
  const std::string bytes = input.rest();
  const auto whole = fuzz::read(bytes, bytes.size());
  const auto pieces = fuzz::read(bytes, piece);
  fuzz::require(whole.messages == pieces.messages && whole.understood == pieces.understood,
                "the pieces in which messages arrive change nothing");
  fuzz::require(fuzz::without_transactions(bytes).starts_with(whole.messages),
                "messages are read as they were written");
  return 0;
}
