// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/xenstore_wire.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace memctl::agent {
namespace {

struct NamedError {
  std::string_view name;
  int number;
};

// xenstored sends errors by name, because numbers differ from system to system. EQUOTA is
// oxenstored's alone (tools/ocaml/xenstored/process.ml).
constexpr std::array named_errors{
    NamedError{"EINVAL", EINVAL},       NamedError{"EACCES", EACCES},
    NamedError{"EEXIST", EEXIST},       NamedError{"EISDIR", EISDIR},
    NamedError{"ENOENT", ENOENT},       NamedError{"ENOMEM", ENOMEM},
    NamedError{"ENOSPC", ENOSPC},       NamedError{"EIO", EIO},
    NamedError{"ENOSYS", ENOSYS},       NamedError{"EROFS", EROFS},
    NamedError{"ENOTEMPTY", ENOTEMPTY}, NamedError{"EBUSY", EBUSY},
    NamedError{"EAGAIN", EAGAIN},       NamedError{"EISCONN", EISCONN},
    NamedError{"E2BIG", E2BIG},         NamedError{"EPERM", EPERM},
    NamedError{"EQUOTA", EDQUOT},
};

}  // namespace

std::string to_bytes(const XenstoreMessage& message) {
  const XenstoreReader::Header header{.type = static_cast<std::uint32_t>(message.type),
                                      .request = message.request,
                                      .transaction = 0,
                                      .length = static_cast<std::uint32_t>(message.body.size())};
  std::string bytes;
  bytes.reserve(sizeof header + message.body.size());
  bytes.append(reinterpret_cast<const char*>(&header), sizeof header);
  bytes.append(message.body);
  return bytes;
}

int error_number(std::string_view body) {
  const auto name = body.substr(0, body.find('\0'));
  const auto* const found = std::ranges::find(named_errors, name, &NamedError::name);
  return found == named_errors.end() ? EIO : found->number;
}

XenstoreReader::Header XenstoreReader::header() const {
  Header header{};
  std::memcpy(&header, bytes_.data(), sizeof header);
  return header;
}

std::size_t XenstoreReader::size() const {
  return filled_ < sizeof(Header) ? sizeof(Header) : sizeof(Header) + header().length;
}

std::span<char> XenstoreReader::room() {
  if (filled_ == size()) filled_ = 0;
  return std::span{bytes_}.subspan(filled_, size() - filled_);
}

bool XenstoreReader::filled(std::size_t count) {
  filled_ += count;
  return filled_ < sizeof(Header) || header().length <= xenstore_body_max;
}

std::optional<XenstoreMessage> XenstoreReader::message() const {
  if (filled_ != size()) return std::nullopt;
  const Header header = this->header();
  return XenstoreMessage{.type = static_cast<XenstoreType>(header.type),
                         .request = header.request,
                         .body = {bytes_.data() + sizeof header, header.length}};
}

}  // namespace memctl::agent
