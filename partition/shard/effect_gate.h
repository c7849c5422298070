#pragma once

// EffectGate: holds what may leave the partition until its cause is durable.
//
// Invariants:
//   - an action held at position p runs after everything up to p is on stable media, or never;
//   - actions run in the order of their positions, each exactly once: with ok, or with the status
//     that says why its cause may be lost.

#include <ingot/ids.h>
#include <ingot/status.h>

#include <deque>

#include "core/unique_function.h"

namespace ingot::partition {

class EffectGate {
 public:
  using Action = UniqueFunction<void(const Status&)>;

  // Positions never go down from call to call.
  void hold(Position cause, Action action) {
    INGOT_ASSERT(held_.empty() || held_.back().cause <= cause, cause.value);
    held_.push_back({cause, std::move(action)});
  }

  // Runs what is covered. Actions may hold further ones. Returns how many ran.
  std::size_t release(Position durable) {
    std::size_t released = 0;
    while (!held_.empty() && held_.front().cause <= durable) {
      Action action = std::move(held_.front().action);
      held_.pop_front();
      action(Status{});
      ++released;
    }
    return released;
  }

  // The partition has stopped: everything held gets `why`.
  void fail(const Status& why) {
    while (!held_.empty()) {
      Action action = std::move(held_.front().action);
      held_.pop_front();
      action(why);
    }
  }

  [[nodiscard]] std::size_t size() const { return held_.size(); }

 private:
  struct Held {
    Position cause;
    Action action;
  };
  std::deque<Held> held_;
};

}  // namespace ingot::partition
