#pragma once

// Rendezvous: lets a thread wait for an answer that a shard gives by callback.

#include <ingot/status.h>
#include <ingot/time.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

namespace ingot::partition {

// Shared between the one who waits and the callback; either may go first.
template <typename T>
class Rendezvous {
 public:
  void give(T value) {
    {
      const std::lock_guard lock(mutex_);
      if (value_) return;
      value_ = std::move(value);
    }
    given_.notify_one();
  }
  T take() {
    std::unique_lock lock(mutex_);
    given_.wait(lock, [this] { return value_.has_value(); });
    return *std::move(value_);
  }
  // Nothing when `timeout` passed first.
  std::optional<T> take_for(Duration timeout) {
    std::unique_lock lock(mutex_);
    const auto ready = [this] { return value_.has_value(); };
    // A time-out beyond what the clock can hold is none.
    if (timeout > std::chrono::hours(24 * 365)) {
      given_.wait(lock, ready);
    } else if (!given_.wait_for(lock, timeout, ready)) {
      return std::nullopt;
    }
    return std::move(value_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable given_;
  std::optional<T> value_;
};

}  // namespace ingot::partition
