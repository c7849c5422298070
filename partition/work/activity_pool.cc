#include "partition/work/activity_pool.h"

#include <algorithm>
#include <map>

#include "core/activity_runner.h"
#include "partition/work/activity_dispatch.h"

namespace ingot::partition {
namespace {

// A worker takes a share of what waits, so that slow activities are spread over all threads.
constexpr std::size_t kBatchMax = 64;

}  // namespace

ActivityPool::ActivityPool(std::uint32_t threads, std::uint64_t payload_bytes_max,
                           const Clock& clock, PartitionPost& post)
    : thread_count_(threads), payload_bytes_max_(payload_bytes_max), clock_(clock), post_(post) {
  for (std::uint32_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
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
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void ActivityPool::work() {
  std::vector<ActivityJob> batch;
  std::map<PartitionId, ActivityResults> results;
  for (;;) {
    batch.clear();
    {
      std::unique_lock lock(mutex_);
      has_jobs_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      const std::size_t share = std::clamp<std::size_t>(jobs_.size() / thread_count_, 1, kBatchMax);
      for (std::size_t i = 0; i < share; ++i) {
        batch.push_back(std::move(jobs_.front()));
        jobs_.pop_front();
      }
    }
    for (const ActivityJob& job : batch) {
      const ActivityContext context{job.name, job.instance_id, job.task_id, job.input};
      const ActivityOutcome outcome = run_activity(*job.activity, context);
      ActivityResult result{job.sequence, job.generation, {}};
      encode_outcome(outcome, job.task_id, clock_.now(), payload_bytes_max_, result.event);
      results[job.partition].results.push_back(std::move(result));
    }
    for (auto& [partition, outcomes] : results) {
      if (!outcomes.results.empty()) post_.push(partition, std::exchange(outcomes, {}));
    }
  }
}

}  // namespace ingot::partition
