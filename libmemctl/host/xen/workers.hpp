// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "memctl/error.hpp"
#include "memctl/units.hpp"

namespace memctl::host::xen {

/// The threads that make libxl's blocking calls. The calls of one domain run one at a time, in the
/// order in which they are submitted. There is one thread at first. If a call would have to wait
/// for a call of another domain, another thread starts, up to `most_threads`.
///
/// libxl's lock of a domain is a blocking flock that nothing interrupts, so a call goes on after
/// its caller has stopped waiting. If the coroutine is cancelled or destroyed before the call has
/// begun, the call is never made. If the call runs already, it goes on, and its result is dropped.
/// In both cases later calls of that domain wait for it.
class Workers {
 public:
  /// If other tools lock this many domains at once, calls of a further domain have to wait.
  static constexpr std::size_t most_threads = 8;

  /// Results arrive on `executor`, which must outlive this.
  explicit Workers(boost::asio::any_io_executor executor);
  /// Drops the calls that have not begun, and waits for the calls under way.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Runs `work`, which returns a Result, on one of the threads. The caller awaits it on the
  /// executor. Returns `cancelled` if the awaiting coroutine is cancelled (asio's per-operation
  /// cancellation).
  template <class Work>
  [[nodiscard]] auto call(DomainId domain, Work work)
      -> boost::asio::awaitable<std::invoke_result_t<Work&>>;

 private:
  /// A thread and the waiting coroutine share it. Only `abandoned` is used by both at once. The
  /// queue's lock hands the rest to the thread, and the executor's post hands it to the coroutine.
  struct Job {
    Job(const boost::asio::any_io_executor& executor, DomainId subject)
        : domain{subject}, done{executor, boost::asio::steady_timer::time_point::max()} {}
    virtual ~Job() = default;
    virtual void run() = 0;

    DomainId domain;
    boost::asio::steady_timer done;  ///< Cancelled, on the executor, when the job is finished.
    bool finished{false};
    std::exception_ptr thrown{};
    std::atomic<bool> abandoned{false};
  };
  using Queue = std::deque<std::shared_ptr<Job>>;

  void submit(std::shared_ptr<Job> job);
  // With the lock held:
  void start_thread();
  [[nodiscard]] Queue::iterator next();

  void finish(std::shared_ptr<Job> job);

  void run();
  static void make(Job& job);
  [[nodiscard]] static Error stopped_waiting();

  boost::asio::any_io_executor executor_;
  std::mutex mutex_;
  std::condition_variable wake_;
  Queue queue_;
  std::set<DomainId> busy_;  ///< The domains that have a call under way.
  bool stopping_{false};
  std::vector<std::thread> threads_;
};

template <class Work>
auto Workers::call(DomainId domain, Work work)
    -> boost::asio::awaitable<std::invoke_result_t<Work&>> {
  using Answer = std::invoke_result_t<Work&>;
  struct Call final : Job {
    Call(const boost::asio::any_io_executor& executor, DomainId subject, Work&& call)
        : Job{executor, subject}, work{std::move(call)} {}
    void run() override { answer.emplace(work()); }
    Work work;
    std::optional<Answer> answer;
  };
  struct AbandonAtEnd {
    ~AbandonAtEnd() { job->abandoned = true; }
    std::shared_ptr<Call> job;
  };

  const AbandonAtEnd waiting{std::make_shared<Call>(executor_, domain, std::move(work))};
  // After the first suspension the workers may be gone, so only the job is used.
  submit(waiting.job);
  boost::system::error_code ignored;
  co_await waiting.job->done.async_wait(
      boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  if (!waiting.job->finished) co_return stopped_waiting();
  if (waiting.job->thrown) std::rethrow_exception(waiting.job->thrown);
  co_return std::move(*waiting.job->answer);
}

}  // namespace memctl::host::xen
