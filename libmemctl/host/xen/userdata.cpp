// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/xen/userdata.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <thread>

#include "host/xen/errors.hpp"
#include "host/xen/file.hpp"

namespace memctl::host::xen {
namespace {

using Clock = std::chrono::steady_clock;

/// How often a lock that another tool holds is tried again.
constexpr std::chrono::milliseconds between_tries{5};

Error failed(const std::string& doing, const std::filesystem::path& file) {
  return hypercall_failed(doing + " " + file.native(), errno, {});
}

/// Whether the path still leads to the open file: whoever gives the lock up removes its file.
bool is_at(const File& file, const std::filesystem::path& path) {
  struct stat opened {};
  struct stat there {};
  return ::fstat(file.fd(), &opened) == 0 && ::stat(path.c_str(), &there) == 0 &&
         opened.st_dev == there.st_dev && opened.st_ino == there.st_ino;
}

bool write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t written = ::write(fd, data.data(), data.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) data.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

/// The file is removed first. If it were closed first, another tool could take the lock in between,
/// and then lose its file.
UserdataLock::~UserdataLock() {
  if (fd_ < 0) return;
  ::unlink(file_.c_str());
  ::close(fd_);
}

Result<Userdata> Userdata::of(libxl_ctx* context, DomainId domain) {
  libxl_dominfo info;
  libxl_dominfo_init(&info);
  const int code = libxl_domain_info(context, &info, number(domain));
  std::array<char, 37> uuid{};
  if (code == 0) {
    std::snprintf(uuid.data(), uuid.size(), LIBXL_UUID_FMT, LIBXL_UUID_BYTES(info.uuid));
  }
  libxl_dominfo_dispose(&info);
  if (code == ERROR_DOMAIN_NOTFOUND) return no_such_domain(domain);
  if (code != 0) return libxl_failed("look at the domain", code, {});
  return Userdata{domain, uuid.data()};
}

std::string Userdata::name() const { return "domain " + std::to_string(number(domain_)); }

std::filesystem::path Userdata::file(char kind, std::string_view userid) const {
  return directory_ / ("userdata-" + std::string{kind} + "." + std::to_string(number(domain_)) +
                       "." + uuid_ + "." + std::string{userid});
}

/// libxl waits in flock for ever. This tries again and again, because nothing would end that wait.
Result<UserdataLock> Userdata::lock(std::chrono::milliseconds longest) const {
  const auto path = file('l', "domain-userdata-lock");
  const auto until = Clock::now() + longest;
  for (;;) {
    File opened{path, O_RDWR | O_CREAT, 0666};
    if (!opened.is_open()) return failed("open libxl's lock", path);
    const bool taken = ::flock(opened.fd(), LOCK_EX | LOCK_NB) == 0;
    if (taken && is_at(opened, path)) return UserdataLock{path, opened.release()};
    if (!taken && errno != EWOULDBLOCK && errno != EINTR) return failed("lock", path);
    if (Clock::now() >= until) {
      return Error{.cause = Cause::stalled,
                   .message = "another tool holds libxl's lock of " + name(),
                   .hint = "fuser -v " + path.native() + " shows who holds it",
                   .raw = EWOULDBLOCK};
    }
    if (!taken) std::this_thread::sleep_for(between_tries);
  }
}

std::optional<bool> Userdata::has(std::string_view userid) const {
  std::error_code error;
  const bool there = std::filesystem::exists(file('d', userid), error);
  return error ? std::nullopt : std::optional{there};
}

Result<std::optional<std::string>> Userdata::read(std::string_view userid) const {
  const auto path = file('d', userid);
  const File opened{path};
  if (!opened.is_open() && errno == ENOENT) return std::nullopt;
  if (!opened.is_open()) return failed("open", path);
  auto data = read_rest(opened);
  if (!data) return failed("read", path);
  return data;
}

Result<void> Userdata::replace(std::string_view userid, std::string_view data) const {
  const auto path = file('n', userid);
  const auto give_up = [&](const std::string& doing) {
    Error error = failed(doing, path);
    ::unlink(path.c_str());
    return error;
  };
  {
    File opened{path, O_WRONLY | O_CREAT | O_TRUNC, 0600};
    if (!opened.is_open()) return failed("make", path);
    if (!write_all(opened.fd(), data)) return give_up("write");
    if (::close(opened.release()) != 0) return give_up("write");
  }
  if (::rename(path.c_str(), file('d', userid).c_str()) != 0) return give_up("rename");
  return success();
}

}  // namespace memctl::host::xen
