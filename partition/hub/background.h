#pragma once

// Background: threads of low priority that run jobs in the order they came.

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
  enum class Priority : std::uint8_t { normal, low };

  Background(std::uint32_t threads, Priority priority);
  ~Background() override;

  void submit(std::function<void()> job) override;
  // Runs what is queued, then ends the threads. Jobs submitted later are dropped. Idempotent.
  void stop();

 private:
  void work(Priority priority);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace ingot::partition
