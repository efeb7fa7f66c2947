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
#include <thread>
#include <type_traits>
#include <utility>

#include "memctl/error.hpp"

namespace memctl::host::xen {

/// The one thread that makes libxl's blocking calls, in the order in which they are submitted.
///
/// libxl's lock of a domain is a blocking flock that nothing interrupts, so giving up on a call
/// ends the waiting and not the call. A call whose coroutine is cancelled or destroyed before its
/// turn is never made; one that is running then goes on, and its result is dropped. Calls that come
/// later stay behind it either way.
class Worker {
 public:
  /// Results come back on `executor`, which must outlive this.
  explicit Worker(boost::asio::any_io_executor executor);
  /// Drops the calls that wait for their turn, and waits for the one that runs.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Runs `work`, which returns a Result, on the thread. To be awaited on the executor. Ends with
  /// `cancelled` when the awaiting coroutine is cancelled (asio's per-operation cancellation).
  template <class Work>
  [[nodiscard]] auto call(Work work) -> boost::asio::awaitable<std::invoke_result_t<Work&>>;

 private:
  /// Shared by the thread and the coroutine that waits. `abandoned` alone is touched by both at
  /// once; the rest passes from one to the other with the queue's lock and the executor's post.
  struct Job {
    explicit Job(const boost::asio::any_io_executor& executor)
        : done{executor, boost::asio::steady_timer::time_point::max()} {}
    virtual ~Job() = default;
    virtual void run() = 0;

    boost::asio::steady_timer done;  ///< Cancelled, on the executor, when the job is finished.
    bool finished{false};
    std::exception_ptr thrown{};
    std::atomic<bool> abandoned{false};
  };

  void submit(std::shared_ptr<Job> job);
  void run();
  [[nodiscard]] static Error gave_up();

  boost::asio::any_io_executor executor_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> queue_;
  bool stopping_{false};
  std::thread thread_;
};

template <class Work>
auto Worker::call(Work work) -> boost::asio::awaitable<std::invoke_result_t<Work&>> {
  using Answer = std::invoke_result_t<Work&>;
  struct Call final : Job {
    Call(const boost::asio::any_io_executor& executor, Work&& call)
        : Job{executor}, work{std::move(call)} {}
    void run() override { answer.emplace(work()); }
    Work work;
    std::optional<Answer> answer;
  };
  struct AbandonAtEnd {
    ~AbandonAtEnd() { job->abandoned = true; }
    std::shared_ptr<Call> job;
  };

  const AbandonAtEnd waiting{std::make_shared<Call>(executor_, std::move(work))};
  // From the first suspension on, the worker may be gone: only the job is used.
  submit(waiting.job);
  boost::system::error_code ignored;
  co_await waiting.job->done.async_wait(
      boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  if (!waiting.job->finished) co_return gave_up();
  if (waiting.job->thrown) std::rethrow_exception(waiting.job->thrown);
  co_return std::move(*waiting.job->answer);
}

}  // namespace memctl::host::xen
