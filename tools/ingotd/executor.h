#pragma once

// Executor: a few threads that run what others hand over.
//
// There are two in a server. One answers: what a hub says on its shards' threads becomes messages
// here, so that shards never wait for a socket. The other one runs the few calls of a hub that
// block; its queue is bounded, and what does not fit is refused.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/unique_function.h"

namespace ingot::server {

class Executor {
 public:
  using Job = UniqueFunction<void()>;

  // `name` is that of the threads.
  Executor(const std::string& name, std::size_t threads, std::size_t jobs_max);
  ~Executor();  // as stop()
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Always taken: for what is bounded where it comes from.
  void post(Job job);
  // False when the queue is full or the executor has stopped; the job is as it was.
  [[nodiscard]] bool try_post(Job&& job);
  // Runs what was taken, then ends the threads. Nothing is posted any more.
  void stop();

 private:
  void run();

  const std::size_t jobs_max_;
  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<Job> jobs_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace ingot::server
