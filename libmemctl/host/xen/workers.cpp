// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/xen/worker.hpp"

#include <pthread.h>

#include <boost/asio/post.hpp>

#include "base/signals_blocked.hpp"

namespace memctl::host::xen {
Worker::Worker(boost::asio::any_io_executor executor) : executor_{std::move(executor)} {
  const SignalsBlocked blocked;
  thread_ = std::thread{[this] { run(); }};
  pthread_setname_np(thread_.native_handle(), "memctl-libxl");
}

Worker::~Worker() {
  std::deque<std::shared_ptr<Job>> dropped;
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    dropped.swap(queue_);
  }
  wake_.notify_one();
  thread_.join();
}

void Worker::submit(std::shared_ptr<Job> job) {
  {
    const std::lock_guard lock{mutex_};
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void Worker::run() {
  for (;;) {
    std::shared_ptr<Job> job;
    {
      std::unique_lock lock{mutex_};
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    if (!job->abandoned) {
      try {
        job->run();
      } catch (...) {
        job->thrown = std::current_exception();
      }
    }
    // The last owner of a job must not be this thread: its timer belongs to the executor.
    boost::asio::post(executor_, [job = std::move(job)] {
      job->finished = true;
      job->done.cancel();
    });
  }
}

Error Worker::gave_up() {
  return {.cause = Cause::cancelled,
          .message = "gave up waiting for libxl; a call that had begun goes on by itself"};
}

}  // namespace memctl::host::xen
