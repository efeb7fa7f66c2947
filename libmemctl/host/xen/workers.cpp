// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/xen/workers.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <system_error>

#include "base/library_thread.hpp"

namespace memctl::host::xen {

Workers::Workers(boost::asio::any_io_executor executor) : executor_{std::move(executor)} {
  threads_.reserve(most_threads);  // a thread that runs must find its place here
  const std::lock_guard lock{mutex_};
  start_thread();
}

Workers::~Workers() {
  Queue dropped;
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    dropped.swap(queue_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Workers::start_thread() {
  threads_.push_back(library_thread("memctl-libxl", [this] { run(); }));
}

void Workers::submit(std::shared_ptr<Job> job) {
  {
    const std::lock_guard lock{mutex_};
    queue_.push_back(std::move(job));
    const std::size_t idle = threads_.size() - busy_.size();
    if (queue_.size() > idle && threads_.size() < most_threads) {
      try {
        start_thread();
      } catch (const std::system_error&) {  // the existing threads will make the call later
      }
    }
  }
  wake_.notify_one();
}

/// The first call in the queue whose domain has no call under way.
Workers::Queue::iterator Workers::next() {
  return std::ranges::find_if(queue_,
                              [this](const auto& job) { return !busy_.contains(job->domain); });
}

void Workers::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || next() != queue_.end(); });
    if (stopping_) return;
    const auto found = next();
    std::shared_ptr<Job> job = std::move(*found);
    const DomainId domain = job->domain;
    queue_.erase(found);
    busy_.insert(domain);
    if (next() != queue_.end()) wake_.notify_one();
    lock.unlock();
    make(*job);
    lock.lock();
    busy_.erase(domain);
    finish(std::move(job));
  }
}

void Workers::make(Job& job) {
  if (job.abandoned) return;
  try {
    job.run();
  } catch (...) {
    job.thrown = std::current_exception();
  }
}

void Workers::finish(std::shared_ptr<Job> job) {
  // This thread must not be the last owner of the job, because the job's timer belongs to the
  // executor.
  boost::asio::post(executor_, [job = std::move(job)] {
    job->finished = true;
    job->done.cancel();
  });
}

Error Workers::stopped_waiting() {
  return {.cause = Cause::cancelled,
          .message = "stopped waiting for libxl; a call that had begun goes on by itself"};
}

}  // namespace memctl::host::xen
