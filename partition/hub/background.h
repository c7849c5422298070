#pragma once

// Background: threads that run jobs in the order they came.
//
// They have the priority of the shards: checkpoints that got less starved behind busy shards, and
// what they had to write grew until requests had to wait for it. The shards' short time slices
// (short_slices.h) keep their latency.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "partition/shard/environment.h"

namespace ingot::partition {

class Background final : public BackgroundJobs {
 public:
  explicit Background(std::uint32_t threads);
  ~Background() override;

  void submit(std::function<void()> job) override;
  // Runs what is queued, then ends the threads. Jobs submitted later are dropped. Idempotent.
  void stop();

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace ingot::partition
