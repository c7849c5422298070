#include "partition/work/activity_pool.h"

#include <algorithm>
#include <map>

#include "core/activity_runner.h"
#include "core/thread_main.h"
#include "partition/work/activity_dispatch.h"
#include "partition/work/step_failure.h"

namespace ingot::partition {
namespace {

// A worker takes a share of what waits, so that slow activities are spread over all threads.
constexpr std::size_t kBatchMax = 64;

}  // namespace

ActivityPool::ActivityPool(const HubOptions& options, const Clock& clock, PartitionPost& post)
    : options_(options), clock_(clock), post_(post), running_(options.activity_threads) {
  constexpr const char* kName = "ingot-activity";
  threads_.reserve(running_.size() + 1);
  try {
    for (Running& running : running_) {
      threads_.emplace_back([this, &running] { thread_main(kName, [&] { work(running); }); });
    }
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
  stopping_now_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void ActivityPool::work(Running& running) {
  std::vector<ActivityJob> batch;
  std::map<PartitionId, ActivityResults> results;
  for (;;) {
    batch.clear();
    {
      std::unique_lock lock(mutex_);
      has_jobs_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      const std::size_t share =
          std::clamp<std::size_t>(jobs_.size() / running_.size(), 1, kBatchMax);
      for (std::size_t i = 0; i < share; ++i) {
        batch.push_back(std::move(jobs_.front()));
        jobs_.pop_front();
      }
    }
    for (const ActivityJob& job : batch) {
      ActivityResult& result = results[job.partition].results.emplace_back(
          ActivityResult{job.sequence, job.generation, {}});
      run(job, running, result);
    }
    for (auto& [partition, outcomes] : results) {
      if (!outcomes.results.empty()) post_.push(partition, std::exchange(outcomes, {}));
    }
  }
}

void ActivityPool::run(const ActivityJob& job, Running& running, ActivityResult& result) {
  const Duration limit = options_.activity_timeout;
  if (limit != Duration(0)) {
    const std::lock_guard lock(mutex_);
    running.job = job;
    running.deadline = clock_.monotonic() + limit;
  }
  const ActivityContext context{job.name, job.instance_id, job.task_id, job.input};
  const ActivityOutcome outcome = run_activity(*job.activity, context);
  encode_outcome(outcome, job.task_id, clock_.now(), options_.payload_bytes_max, result.event);
  if (limit != Duration(0)) {
    const std::lock_guard lock(mutex_);
    running.deadline = Duration(0);
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
