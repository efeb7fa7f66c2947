// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "commands.hpp"
#include "json.hpp"
#include "output.hpp"
#include "text.hpp"
#include "watch_output.hpp"
#include "watch_queue.hpp"

namespace memctl::cli {
namespace {

using std::chrono::milliseconds;

bool differ(const DomainStatus& one, const DomainStatus& other) {
  return one.size != other.size || one.target != other.target || one.limit != other.limit ||
         state_of(one) != state_of(other);
}

/// For programs: also what a guest uses, which is another at each look.
bool differ_at_all(const DomainStatus& one, const DomainStatus& other) {
  return differ(one, other) || one.allocated != other.allocated ||
         one.reported_total != other.reported_total ||
         one.reported_available != other.reported_available;
}

Output failed(const Error& error, const Options& options) {
  Output output{.code = ExitCode::refused};
  if (options.json) {
    output.out = watch_error_json(error);
  } else {
    output.err = error_text(error, options.verbose);
  }
  return output;
}

/// Follows the domains of a host. The library tells of domains that come, go and change. Each is
/// asked then, and all are asked once an interval, because nothing announces what a guest uses.
class Watcher {
 public:
  Watcher(const Options& options, Environment& environment, Host host)
      : options_{options}, environment_{environment}, host_{std::move(host)} {}

  [[nodiscard]] Output run() {
    const auto watch =
        host_.watch([queue = queue_](const DomainChange& change) { queue->push(change); });
    if (!watch) return failed(watch.error(), options_);
    environment_.on_interruption([queue = queue_](Interruption) { queue->end(); });
    environment_.on_resized([queue = queue_] { queue->push_resized(); });
    WatchOutput output{options_, environment_};
    // Until the first guest has answered, a table would say that none runs.
    const auto domains = host_.domains();
    bool answered = !domains || std::ranges::none_of(domains.value(), [&](const Domain& domain) {
      return is_wanted(domain.identity());
    });
    if (answered) draw(output, false);
    auto next = environment_.now();
    while (environment_.has_reader()) {
      const auto now = environment_.now();
      if (now >= next) {
        for (auto& [id, entry] : entries_) ask(entry);
        next = now + options_.interval;
      }
      environment_.wait_for(*queue_, std::chrono::ceil<milliseconds>(next - environment_.now()));
      const WatchQueue::News news = queue_->take();
      if (news.ended) break;
      for (const DomainChange& change : news.changes) answered |= take(change, output);
      answered |= take_answers(output);
      if (answered) draw(output, news.resized);
    }
    return {};
  }

 private:
  struct Entry {
    Domain domain;
    std::optional<Pending<DomainStatus>> pending{};
    bool again{false};              ///< It changed while the question was under way.
    bool announced{false};          ///< The library told of a change that the next answer shows.
    bool told{false};               ///< The user knows that it is there.
    std::optional<Cause> failed{};  ///< Why the last question had no answer.
  };

  [[nodiscard]] bool is_wanted(const DomainIdentity& domain) const {
    if (options_.domains.empty()) return true;
    return std::ranges::any_of(options_.domains, [&](const std::string& word) {
      // As everywhere, digits mean a number.
      const bool is_number = word.find_first_not_of("0123456789") == std::string::npos;
      return word == (is_number ? std::to_string(number(domain.id)) : domain.name);
    });
  }

  void ask(Entry& entry) {
    if (entry.pending) {
      entry.again = true;
      return;
    }
    entry.pending = entry.domain.ask_status(status_options(options_.resize));
    entry.pending->on_end([queue = queue_] { queue->push_answer(); });
  }

  /// Whether a domain that was watched is watched no longer.
  bool take(const DomainChange& change, WatchOutput& output) {
    const DomainId id = change.domain.id;
    const auto found = entries_.find(id);
    const bool wanted = change.change != Change::ended && is_wanted(change.domain);
    if (found == entries_.end()) {
      if (!wanted) return false;
      domains_[id] = {.domain = change.domain};
      ask(entries_.emplace(id, Entry{.domain = host_.domain(change.domain)}).first->second);
      return false;
    }
    if (!wanted) {
      if (found->second.told) output.tell(Told::ended, {.domain = domains_.at(id).domain});
      domains_.erase(id);
      entries_.erase(found);
      return true;
    }
    // It may have another name.
    domains_[id].domain = change.domain;
    found->second.domain = host_.domain(change.domain);
    found->second.announced = true;
    ask(found->second);
    return false;
  }

  /// Whether there were any.
  bool take_answers(WatchOutput& output) {
    bool some = false;
    for (auto& [id, entry] : entries_) {
      if (!entry.pending || !entry.pending->done()) continue;
      const auto answer = entry.pending->wait();
      entry.pending.reset();
      some = true;
      if (answer) {
        show(answer.value(), entry, output);
      } else {
        fail(answer.error(), id, entry, output);
      }
      if (std::exchange(entry.again, false)) ask(entry);
    }
    return some;
  }

  void show(const DomainStatus& status, Entry& entry, WatchOutput& output) {
    Watched& watched = domains_.at(status.domain.id);
    const bool first = !std::exchange(entry.told, true);
    const auto is_news = options_.json ? differ_at_all : differ;
    const bool news = !watched.status || is_news(*watched.status, status);
    // A question that was under way when the name changed has the earlier one.
    watched.status = status;
    watched.status->domain = watched.domain;
    watched.error.reset();
    entry.failed.reset();
    const bool announced = std::exchange(entry.announced, false);
    if (announced || news) {
      output.tell(first ? Told::appeared : announced ? Told::changed : Told::measured, watched);
    }
  }

  /// The library tells if the domain is gone. Other errors are told once.
  void fail(const Error& error, DomainId id, Entry& entry, WatchOutput& output) {
    if (error.cause == Cause::no_such_domain || error.cause == Cause::domain_gone) return;
    Watched& watched = domains_.at(id);
    watched.status.reset();
    watched.error = error;
    if (std::exchange(entry.failed, error.cause) != error.cause) output.tell_error(error);
  }

  void draw(WatchOutput& output, bool resized) {
    if (!output.is_live()) return;
    HostFigures host;
    if (options_.look.has_host_line()) host = host_.status(status_options(options_.resize));
    output.draw(domains_, host, resized);
  }

  const Options& options_;
  Environment& environment_;
  Host host_;
  std::shared_ptr<WatchQueue> queue_{std::make_shared<WatchQueue>()};
  std::map<DomainId, Entry> entries_{};
  WatchedDomains domains_{};
};

}  // namespace

ExitCode run_watch(const Options& options, Environment& environment) {
  const auto host = environment.open_host(options.host);
  if (!host) return write(failed(host.error(), options), environment);
  return write(Watcher{options, environment, host.value()}.run(), environment);
}

}  // namespace memctl::cli
