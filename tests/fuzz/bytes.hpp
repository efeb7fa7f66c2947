// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/finite.hpp"
#include "memctl/units.hpp"

namespace memctl::fuzz {

/// Takes values off an input. Past its end, every value is zero and every text is empty.
class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size)
      : rest_{reinterpret_cast<const char*>(data), size} {}
  explicit Bytes(std::string_view bytes) : rest_{bytes} {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }

  std::string text(std::size_t size) {
    const auto taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return std::string{taken};
  }
  std::string rest() { return text(rest_.size()); }
  /// A text whose length is taken first.
  std::string short_text() { return text(below(256)); }

  std::uint64_t number() {
    const std::string bytes = text(sizeof(std::uint64_t));
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }
  /// Takes no more bytes than such a number can have.
  std::uint64_t below(std::uint64_t end) {
    std::uint64_t value = 0;
    for (std::uint64_t most = end - 1; most > 0; most >>= 8U) {
      const std::string byte = text(1);
      value = value << 8U | (byte.empty() ? 0U : static_cast<unsigned char>(byte[0]));
    }
    return value % end;
  }
  bool flag() { return below(2) == 1; }
  template <class Enum>
  Enum one_of(Enum last) {
    return static_cast<Enum>(below(static_cast<std::uint64_t>(last) + 1));
  }
  /// From 0 to `most`; as many small as large ones, and mostly whole pages.
  Kib size(Kib most = vast_size) {
    const auto power = below(44);
    const Kib size{
        static_cast<std::int64_t>(((below(65536) << 28U) | (1ULL << 44U)) >> (44 - power))};
    const Kib rest{static_cast<std::int64_t>(below(8))};
    const Kib cut = rest < kib_per_page ? size + rest : round_down(size, kib_per_page);
    return std::min(cut, most);
  }
  template <class Make>
  auto sometimes(Make make) -> std::optional<decltype(make())> {
    if (flag()) return make();
    return std::nullopt;
  }

 private:
  std::string_view rest_;
};

}  // namespace memctl::fuzz
