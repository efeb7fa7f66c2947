// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "configuration.hpp"

namespace memctl::cli {
namespace {

/// No configuration is so long. A wrong file must not fill the memory.
constexpr std::size_t longest_file = 1 << 18;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_{number} {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

Error wrong(const std::string& file, const std::string& what, std::string right) {
  return {
      .cause = Cause::invalid_argument, .message = file + ": " + what, .hint = std::move(right)};
}

Error unreadable(const std::string& file, int code) {
  Error error = wrong(file, "cannot be read (" + std::system_category().message(code) + ")",
                      code == EACCES ? "run this as root, or let everybody read the file"
                                     : "name another file with --config");
  error.raw = code;
  return error;
}

/// A link to a missing file is no absent file: somebody meant to set bounds.
bool is_absent(const std::string& name) {
  struct stat link {};
  return ::lstat(name.c_str(), &link) != 0 && errno == ENOENT;
}

/// Whether users other than root and the caller may write to the file: they could lift the bounds
/// of the administrator.
bool others_may_write(const struct stat& file) {
  const bool own = file.st_uid == 0 || file.st_uid == ::geteuid();
  const bool own_group = file.st_gid == 0 || file.st_gid == ::getegid();
  return !own || (file.st_mode & S_IWOTH) != 0 || ((file.st_mode & S_IWGRP) != 0 && !own_group);
}

Result<std::string> content(const Descriptor& descriptor, const std::string& file) {
  std::string text;
  std::array<char, 4096> part{};
  while (text.size() <= longest_file) {
    const ssize_t got = ::read(descriptor.number(), part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(file, errno);
    if (got == 0) return text;
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  return wrong(file, "is larger than " + std::to_string(longest_file >> 10) + " KiB",
               "a configuration has a few lines; name another file with --config");
}

}  // namespace

Result<Configuration> read_configuration(const std::optional<std::string>& file) {
  const std::string name = file.value_or(std::string{usual_configuration_file});
  // O_NONBLOCK: opening a FIFO does not wait for a writer.
  const Descriptor descriptor{::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  struct stat kind {};
  if (descriptor.number() < 0 || ::fstat(descriptor.number(), &kind) != 0) {
    const int code = errno;
    if (!file && is_absent(name)) return Configuration{};
    return unreadable(name, code);
  }
  if (!S_ISREG(kind.st_mode)) {
    return wrong(name, S_ISDIR(kind.st_mode) ? "is a directory" : "is no regular file",
                 "name a file with --config");
  }
  if (others_may_write(kind)) {
    return wrong(name, "others than root may write to it, and so lift its bounds",
                 "chown root:root " + name + " && chmod go-w " + name);
  }
  BOOST_OUTCOME_TRY(const std::string text, content(descriptor, name));
  return parse_configuration(text, name);
}

}  // namespace memctl::cli
