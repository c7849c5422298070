#pragma once

// PwriteIo: durable writes by one thread with pwritev2(RWF_DSYNC), for kernels and containers that
// refuse io_uring. The thread starts with the first submit_write().

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "commit-log/posix_files.h"
#include "commit-log/wake_flag.h"

namespace ingot::log {

class PwriteIo final : public PosixFiles {
 public:
  PwriteIo() = default;
  ~PwriteIo() override;

  [[nodiscard]] std::string_view name() const override { return "pwritev2"; }
  void submit_write(FileHandle file, std::span<const char> bytes, std::uint64_t offset,
                    std::uint64_t token) override;
  void poll(std::vector<WriteCompletion>& out) override;
  void wait(Duration timeout, std::vector<WriteCompletion>& out) override;
  void wake() override;
  void drain() override;

 private:
  struct Write {
    int descriptor;
    int denied;
    const std::string* path;
    std::span<const char> bytes;
    std::uint64_t offset;
    std::uint64_t token;
  };

  void run();

  WakeFlag wake_flag_;
  std::atomic<std::uint64_t> done_count_{0};  // completions not taken yet
  std::mutex mutex_;
  std::condition_variable work_;  // the thread waits for writes
  std::condition_variable done_;  // the owner waits for completions and wakes
  std::deque<Write> queue_;       // under mutex_, as are the next three
  std::vector<WriteCompletion> completions_;
  std::uint64_t outstanding_ = 0;  // queued or being written
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace ingot::log
