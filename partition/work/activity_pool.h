#pragma once

// ActivityPool: the threads that run activities which may block. Jobs and results are handed over
// in batches, one lock and one message a batch.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "partition/shard/environment.h"

namespace ingot::partition {

class ActivityPool final : public ActivityExecutor {
 public:
  ActivityPool(std::uint32_t threads, std::uint64_t payload_bytes_max, const Clock& clock,
               PartitionPost& post);
  ~ActivityPool() override;

  void submit(std::vector<ActivityJob>& jobs) override;
  // Ends the threads after the jobs that run now; the rest is dropped, and offered again by the
  // next recovery. Idempotent.
  void stop();

 private:
  void work();

  const std::uint32_t thread_count_;
  const std::uint64_t payload_bytes_max_;
  const Clock& clock_;
  PartitionPost& post_;
  std::mutex mutex_;
  std::condition_variable has_jobs_;
  std::deque<ActivityJob> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace ingot::partition
