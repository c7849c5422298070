#pragma once

// Agenda: all durable timers of the partition, by due time.
//
// The order (time, sequence number, timer id) is total, so equal times fire in one order
// everywhere. Changes since the last cut are kept for the checkpoint, which writes only them.

#include <compare>
#include <set>
#include <utility>
#include <vector>

#include "core/fact.h"

namespace ingot::partition {

struct TimerKey {
  Timestamp fire_at;
  SequenceNumber sequence;
  std::int32_t timer_id = 0;
  std::uint32_t generation = 0;

  auto operator<=>(const TimerKey&) const = default;
};

struct TimerChange {
  TimerKey key;
  bool added = false;
};

class Agenda {
 public:
  [[nodiscard]] bool empty() const { return timers_.empty(); }
  [[nodiscard]] std::size_t size() const { return timers_.size(); }
  // The earliest; only when not empty.
  [[nodiscard]] const TimerKey& next() const { return *timers_.begin(); }
  [[nodiscard]] const std::set<TimerKey>& timers() const { return timers_; }
  [[nodiscard]] bool contains(const TimerKey& key) const { return timers_.contains(key); }

  void add(const TimerKey& key) {
    if (timers_.insert(key).second) changes_.push_back({key, true});
  }
  void remove(const TimerKey& key) {
    if (timers_.erase(key) != 0) changes_.push_back({key, false});
  }
  // At recovery: what the checkpoint holds, so no change.
  void restore(const TimerKey& key) { timers_.insert(timers_.end(), key); }

  // The changes since the last call, in order.
  [[nodiscard]] std::vector<TimerChange> take_changes() { return std::exchange(changes_, {}); }
  // About 72 bytes a timer: a node of a balanced tree.
  [[nodiscard]] std::size_t memory_bytes() const {
    return timers_.size() * 80 + changes_.capacity() * sizeof(TimerChange);
  }

 private:
  std::set<TimerKey> timers_;
  std::vector<TimerChange> changes_;
};

}  // namespace ingot::partition
