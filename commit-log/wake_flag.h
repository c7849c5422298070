#pragma once

// WakeFlag: decides whether a wake() has to reach into the kernel.
//
// The sleeper announces that it goes to sleep and looks once more for a wake; the waker leaves its
// wake and looks whether someone sleeps. Both sides store before they load, with sequential
// consistency, so one of the two sees the other: no wake is lost. While the owner is busy, a wake
// costs one atomic exchange.
//
// A wake that finds nobody asleep stays pending and ends the owner's next wait at once. What the
// waker published before raise() is visible to the owner after the wake was taken: each exchange
// reads the one before it, so a later waker's exchange carries the earlier ones along.

#include <atomic>

namespace ingot::log {

class WakeFlag {
 public:
  // Any thread. True when the owner sleeps (or is about to) and must be woken by the caller.
  [[nodiscard]] bool raise() {
    // A wake that is pending already has a waker who sees to it.
    if (pending_.exchange(true, std::memory_order_seq_cst)) return false;
    return sleeping_.load(std::memory_order_seq_cst);
  }

  // The owner: announces sleep. False when a wake is pending: don't sleep (it is taken).
  [[nodiscard]] bool begin_sleep() {
    sleeping_.store(true, std::memory_order_seq_cst);
    if (!take()) return true;
    sleeping_.store(false, std::memory_order_seq_cst);
    return false;
  }

  // The owner: awake again; any wake so far is taken.
  void end_sleep() {
    sleeping_.store(false, std::memory_order_seq_cst);
    (void)take();
  }

  // The owner: takes a pending wake.
  bool take() {
    if (!pending_.load(std::memory_order_seq_cst)) return false;
    // Still there: nobody else takes it. An exchange, so that what every waker published is seen.
    (void)pending_.exchange(false, std::memory_order_seq_cst);
    return true;
  }

  [[nodiscard]] bool pending() const { return pending_.load(std::memory_order_seq_cst); }

 private:
  alignas(64) std::atomic<bool> pending_{false};
  std::atomic<bool> sleeping_{false};
};

}  // namespace ingot::log
