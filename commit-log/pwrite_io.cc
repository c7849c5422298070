#include "commit-log/pwrite_io.h"

#include <algorithm>
#include <utility>

#include "core/out_of_memory.h"
#include "core/thread_main.h"

namespace ingot::log {

PwriteIo::~PwriteIo() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  work_.notify_one();
  thread_.join();
}

void PwriteIo::submit_write(FileHandle handle, std::span<const char> bytes, std::uint64_t offset,
                            std::uint64_t token) {
  const File& to = file(handle);
  if (!thread_.joinable()) {
    Status started = with_memory("writing " + to.path, [this] {
      thread_ = std::thread([this] { thread_main("ingot-log-write", [this] { run(); }); });
      return Status();
    });
    if (!started.ok()) {
      const std::lock_guard lock(mutex_);
      completions_.push_back(WriteCompletion{token, std::move(started)});
      done_count_.fetch_add(1, std::memory_order_release);
      return;
    }
  }
  {
    const std::lock_guard lock(mutex_);
    // The path is copied on failure only, and files outlive their writes.
    queue_.push_back(Write{to.descriptor, to.denied, &to.path, bytes, offset, token});
    ++outstanding_;
  }
  work_.notify_one();
}

void PwriteIo::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const Write write = queue_.front();
    queue_.pop_front();
    lock.unlock();
    Status status = write.denied != 0
                        ? errno_status("writing", *write.path, write.denied)
                        : write_durably(write.descriptor, *write.path, write.bytes, write.offset);
    lock.lock();
    completions_.push_back(WriteCompletion{write.token, std::move(status)});
    --outstanding_;
    done_count_.fetch_add(1, std::memory_order_release);
    done_.notify_all();
  }
}

void PwriteIo::poll(std::vector<WriteCompletion>& out) {
  if (done_count_.load(std::memory_order_acquire) == 0) return;
  const std::lock_guard lock(mutex_);
  for (WriteCompletion& completion : completions_) out.push_back(std::move(completion));
  completions_.clear();
  done_count_.store(0, std::memory_order_relaxed);
}

void PwriteIo::wait(Duration timeout, std::vector<WriteCompletion>& out) {
  const std::size_t before = out.size();
  poll(out);
  if (out.size() != before || timeout <= Duration::zero()) return;
  if (wake_flag_.begin_sleep()) {
    std::unique_lock lock(mutex_);
    done_.wait_for(lock, std::min<Duration>(timeout, std::chrono::hours(1)),
                   [this] { return wake_flag_.pending() || !completions_.empty(); });
    lock.unlock();
    wake_flag_.end_sleep();
  }
  poll(out);
}

void PwriteIo::wake() {
  if (!wake_flag_.raise()) return;
  // The sleeper holds the mutex from its last look at the flag until it waits.
  { const std::lock_guard lock(mutex_); }
  done_.notify_all();
}

void PwriteIo::drain() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return outstanding_ == 0; });
}

}  // namespace ingot::log
