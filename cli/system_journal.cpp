// SPDX-License-Identifier: LGPL-2.1-or-later
#include "system_journal.hpp"

// The place in the source is of no use to an administrator.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <dlfcn.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "journal_entry.hpp"

namespace memctl::cli {
namespace {

using Fields = std::vector<std::string>;

constexpr std::chrono::seconds patience{5};

/// Most commands note nothing, and would load libsystemd and what it needs for nothing. Null: there
/// is no libsystemd, and so no journal.
auto journal_sendv() {
  using Sendv = decltype(&::sd_journal_sendv);
  void* const library = ::dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
  return library == nullptr ? nullptr
                            : reinterpret_cast<Sendv>(::dlsym(library, "sd_journal_sendv"));
}

/// libsystemd frames each value, so none can forge a field. It says nothing if there is no journal.
void send(Fields& fields) {
  static const auto sendv = journal_sendv();
  if (sendv == nullptr) return;
  std::vector<iovec> parts;
  parts.reserve(fields.size());
  for (std::string& field : fields) parts.push_back({field.data(), field.size()});
  static_cast<void>(sendv(parts.data(), static_cast<int>(parts.size())));
}

}  // namespace

/// The thread shares it with the journal, because it may still wait when the process ends.
class SystemJournal::Sender : public std::enable_shared_from_this<Sender> {
 public:
  void put(DomainId domain, Fields entry) {
    const std::lock_guard lock{mutex_};
    if (!noted_.insert(domain).second) return;
    if (!runs_) std::thread{[self = shared_from_this()] { self->run(); }}.detach();
    runs_ = true;
    waiting_.push_back(std::move(entry));
    changed_.notify_all();
  }

  void flush() {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, patience, [this] { return waiting_.empty(); });
  }

 private:
  /// Until the process ends.
  void run() {
    std::unique_lock lock{mutex_};
    for (;;) {
      changed_.wait(lock, [this] { return !waiting_.empty(); });
      Fields& entry = waiting_.front();  // a deque keeps it in place
      lock.unlock();
      send(entry);
      lock.lock();
      waiting_.pop_front();
      changed_.notify_all();
    }
  }

  std::mutex mutex_{};
  std::condition_variable changed_{};
  std::deque<Fields> waiting_{};  ///< The first is being sent.
  std::set<DomainId> noted_{};
  bool runs_{false};
};

SystemJournal::SystemJournal() : sender_{std::make_shared<Sender>()} {}
SystemJournal::~SystemJournal() { flush(); }

void SystemJournal::note(const LogLine& line) {
  Fields entry = journal_entry(line, asker_);
  if (!entry.empty()) sender_->put(line.domain->id, std::move(entry));
}

void SystemJournal::flush() { sender_->flush(); }

}  // namespace memctl::cli
