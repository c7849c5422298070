#pragma once

// ActivityPool: the threads that run activities which may block. Jobs and results are handed over
// in batches, one lock and one message a batch. With a time limit, a thread of its own watches over
// those that run; an activity can't be stopped, so its late result is dropped by the state machine.

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
  // `options` outlives the pool.
  ActivityPool(const HubOptions& options, const Clock& clock, PartitionPost& post);
  ~ActivityPool() override;

  void submit(std::vector<ActivityJob>& jobs) override;
  // Ends the threads after the jobs that run now; the rest is dropped, and offered again by the
  // next recovery. Idempotent.
  void stop();

 private:
  // What one thread runs now.
  struct Running {
    ActivityJob job;
    Duration deadline{0};  // monotonic; 0: nothing runs, or it has failed already
  };

  void work(Running& running);
  // Fails what runs for too long.
  void watch();
  void run(const ActivityJob& job, Running& running, ActivityResult& result);

  const HubOptions& options_;
  const Clock& clock_;
  PartitionPost& post_;
  std::mutex mutex_;
  std::condition_variable has_jobs_;
  std::condition_variable stopping_now_;
  std::deque<ActivityJob> jobs_;
  bool stopping_ = false;
  std::vector<Running> running_;  // one for each thread; guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace ingot::partition
