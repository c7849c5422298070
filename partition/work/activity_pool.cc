#include "partition/work/activity_pool.h"

#include <algorithm>
#include <chrono>

#include "core/activity_runner.h"
#include "core/thread_main.h"
#include "partition/work/activity_dispatch.h"
#include "partition/work/step_failure.h"

namespace ingot::partition {
namespace {

// Results that are sent together, and how long one waits for others while all threads are at work.
constexpr std::size_t kBatchMax = 64;
constexpr Duration kResultDelayMax = std::chrono::milliseconds(1);

thread_local const ActivityPool* pool_of_thread = nullptr;

}  // namespace

ActivityPool::ActivityPool(const HubOptions& options, const Clock& clock, PartitionPost& post)
    : options_(options), clock_(clock), post_(post), running_(options.activity_threads) {
  constexpr const char* kName = "ingot-activity";
  threads_.reserve(running_.size() + 2);
  try {
    for (Running& running : running_) {
      threads_.emplace_back([this, &running] { thread_main(kName, [&] { work(running); }); });
    }
    threads_.emplace_back([this] { thread_main(kName, [this] { send_late(); }); });
    if (options_.activity_timeout != Duration(0)) {
      threads_.emplace_back([this] { thread_main(kName, [this] { watch(); }); });
    }
  } catch (...) {
    stop();
    throw;
  }
}

ActivityPool::~ActivityPool() { stop(); }

void ActivityPool::submit(std::vector<ActivityJob>& jobs) {
  {
    const std::lock_guard lock(mutex_);
    for (ActivityJob& job : jobs) jobs_.push_back(std::move(job));
  }
  if (jobs.size() == 1) {
    has_jobs_.notify_one();
  } else {
    has_jobs_.notify_all();
  }
  jobs.clear();
}

void ActivityPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  has_jobs_.notify_all();
  has_results_.notify_all();
  stopping_now_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

bool ActivityPool::runs_this_thread() const { return pool_of_thread == this; }

void ActivityPool::work(Running& running) {
  pool_of_thread = this;
  std::unique_lock lock(mutex_);
  for (;;) {
    if (results_count_ >= kBatchMax || (results_count_ != 0 && (jobs_.empty() || stopping_))) {
      send(lock);
    } else if (stopping_) {
      return;
    } else if (jobs_.empty()) {
      has_jobs_.wait(lock);
    } else {
      run_next(running, lock);
    }
  }
}

void ActivityPool::run_next(Running& running, std::unique_lock<std::mutex>& lock) {
  const ActivityJob job = std::move(jobs_.front());
  jobs_.pop_front();
  const Duration limit = options_.activity_timeout;
  if (limit != Duration(0)) {
    running.job = job;
    running.deadline = clock_.monotonic() + limit;
  }
  lock.unlock();
  ActivityResult result{job.sequence, job.generation, {}};
  const ActivityContext context{job.name, job.instance_id, job.task_id, job.input};
  const ActivityOutcome outcome = run_activity(*job.activity, context);
  encode_outcome(outcome, job.task_id, clock_.now(), options_.payload_bytes_max, result.event);
  lock.lock();
  running.deadline = Duration(0);
  results_[job.partition].results.push_back(std::move(result));
  if (results_count_++ == 0) has_results_.notify_one();
}

void ActivityPool::send(std::unique_lock<std::mutex>& lock) {
  std::map<PartitionId, ActivityResults> results;
  results.swap(results_);
  results_count_ = 0;
  lock.unlock();
  for (auto& [partition, outcomes] : results) post_.push(partition, std::move(outcomes));
  lock.lock();
}

void ActivityPool::send_late() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (results_count_ == 0) {
      has_results_.wait(lock);
      continue;
    }
    stopping_now_.wait_for(lock, kResultDelayMax, [this] { return stopping_; });
    send(lock);
  }
}

void ActivityPool::watch() {
  // A late failure is late by at most a quarter of the limit.
  const Duration interval = std::max(options_.activity_timeout / 4, Duration(500));
  std::unique_lock lock(mutex_);
  while (!stopping_now_.wait_for(lock, interval, [this] { return stopping_; })) {
    const Duration now = clock_.monotonic();
    for (Running& running : running_) {
      if (running.deadline == Duration(0) || running.deadline > now) continue;
      running.deadline = Duration(0);
      ActivityOutcome outcome;
      outcome.failure = activity_timed_out(options_.activity_timeout);
      ActivityResult result{running.job.sequence, running.job.generation, {}};
      encode_outcome(outcome, running.job.task_id, clock_.now(), options_.payload_bytes_max,
                     result.event);
      ActivityResults late;
      late.results.push_back(std::move(result));
      post_.push(running.job.partition, std::move(late));
    }
  }
}

}  // namespace ingot::partition
