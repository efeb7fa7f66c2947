// SPDX-License-Identifier: LGPL-2.1-or-later
//
// xenstore's messages as they go over the wire. No I/O.
//
// The layout and the numbers are those of Xen's public/io/xs_wire.h. They are written down here, so
// that the agent needs nothing of Xen's to be built: Debian has Xen's headers for few
// architectures.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace memctl::agent {

/// The types of messages. A reply has the type of its request, or is an error; events come by
/// themselves.
enum class XenstoreType : std::uint32_t {
  read = 2,
  watch = 4,
  write = 11,
  remove = 13,
  event = 15,
  error = 16,
};

/// No message's body may be longer. xenstored closes the connection of a client that sends more.
inline constexpr std::size_t xenstore_body_max = 4096;

struct XenstoreMessage {
  XenstoreType type{};
  std::uint32_t request{};  ///< The request's number, which xenstored repeats in the reply.
  std::string_view body{};
};

/// The bytes of a message. Its body must not be longer than `xenstore_body_max`.
[[nodiscard]] std::string to_bytes(const XenstoreMessage& message);

/// The error number that the body of a message of type `error` names. Never 0: an unknown name is
/// EIO.
[[nodiscard]] int error_number(std::string_view body);

/// Takes messages from a stream of bytes, which may come in pieces of any size.
class XenstoreReader {
 public:
  /// The place for the next bytes. It never reaches past the end of the present message, and is
  /// never empty. Begins the next message if the present one is complete.
  [[nodiscard]] std::span<char> room();
  /// Notes that the first `count` bytes of the room are filled. False: the message is longer than a
  /// message may be, and nothing after it can be understood.
  [[nodiscard]] bool filled(std::size_t count);
  /// The message, if it is complete. Its body stays valid until the next call of `room`.
  [[nodiscard]] std::optional<XenstoreMessage> message() const;

 private:
  struct Header {
    std::uint32_t type;
    std::uint32_t request;
    std::uint32_t transaction;
    std::uint32_t length;
  };
  friend std::string to_bytes(const XenstoreMessage& message);
  [[nodiscard]] Header header() const;
  /// How many bytes the message has, as far as is known.
  [[nodiscard]] std::size_t size() const;

  std::array<char, sizeof(Header) + xenstore_body_max> bytes_{};
  std::size_t filled_{0};
};

}  // namespace memctl::agent
