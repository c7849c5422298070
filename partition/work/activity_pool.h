#pragma once

// ActivityPool: the threads that run activities which may block.
//
// A thread takes one job at a time, so that nothing waits behind one that blocks. Results are sent
// together: when no job waits or there are many, by the thread that has just ended one; else, a
// moment later, by a thread that does nothing else. With a time limit, another one watches over
// the jobs that run; an activity can't be stopped, so its late result is dropped by the state
// machine.

#include <condition_variable>
#include <deque>
#include <map>
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
  // True in an activity that this pool runs.
  [[nodiscard]] bool runs_this_thread() const;

 private:
  // What one thread runs now.
  struct Running {
    ActivityJob job;
    Duration deadline{0};  // monotonic; 0: nothing runs, or it has failed already
  };

  void work(Running& running);
  // Sends the results that no worker has come back to send.
  void send_late();
  // Fails what runs for too long.
  void watch();
  // Both with `lock` held, which they give up in between.
  void run_next(Running& running, std::unique_lock<std::mutex>& lock);
  void send(std::unique_lock<std::mutex>& lock);

  const HubOptions& options_;
  const Clock& clock_;
  PartitionPost& post_;
  std::mutex mutex_;
  std::condition_variable has_jobs_;
  std::condition_variable has_results_;
  std::condition_variable stopping_now_;
  std::deque<ActivityJob> jobs_;
  std::map<PartitionId, ActivityResults> results_;  // not sent yet
  std::size_t results_count_ = 0;
  bool stopping_ = false;
  std::vector<Running> running_;  // one for each thread; guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace ingot::partition
