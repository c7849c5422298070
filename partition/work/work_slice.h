#pragma once

// WorkSlice: how long user code is run on a shard before it is someone else's turn.
//
// Orchestrators and entities run inline and must not block, but they may be slow, and what they do
// may lead to more of it for ever. So nobody runs them in a loop without asking whether the slice
// is over: then the shard takes what has come meanwhile, and goes on with them in its next turn.
// Under a simulated clock a slice has no end.

#include "core/clock.h"

namespace ingot::partition {

class WorkSlice {
 public:
  explicit WorkSlice(const Clock& clock) : clock_(clock), end_(clock.monotonic() + kTimeMax) {}

  // Asked after each piece of work. The clock is looked at now and then.
  [[nodiscard]] bool over() { return ++asked_ % kPiecesPerLook == 0 && clock_.monotonic() >= end_; }

 private:
  // Longer than a batch of the log takes to fill when nothing is slow.
  static constexpr Duration kTimeMax = std::chrono::milliseconds(10);
  static constexpr unsigned kPiecesPerLook = 8;

  const Clock& clock_;
  const Duration end_;
  unsigned asked_ = 0;
};

}  // namespace ingot::partition
