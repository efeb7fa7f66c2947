// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/record_file.hpp"

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace memctl::agent {

RecordFile::RecordFile(const std::string& directory) : path_{directory + "/policy"} {
  // systemd makes the directory; without systemd the agent has to. If this fails, the first `save`
  // fails too and returns the error.
  static_cast<void>(::mkdir(directory.c_str(), 0700));
}

std::optional<Record> RecordFile::load() const {
  std::array<char, Record::longest_text> buffer;
  const auto text = read_file(path_.c_str(), buffer);
  return text ? parse_record(*text) : std::nullopt;
}

int RecordFile::save(const Record& record) {
  const auto text = to_text(record);
  if (!stands()) {
    file_ = Fd{::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!file_.is_open()) return errno;
  }
  const ssize_t count = ::pwrite(file_.get(), text.data(), text.size(), 0);
  if (count < 0) return errno;
  if (static_cast<std::size_t>(count) != text.size()) return EIO;
  return ::ftruncate(file_.get(), static_cast<off_t>(text.size())) == 0 ? 0 : errno;
}

/// Whether a file is open and has not been removed.
bool RecordFile::stands() const {
  struct stat status {};
  return file_.is_open() && ::fstat(file_.get(), &status) == 0 && status.st_nlink > 0;
}

}  // namespace memctl::agent
