#pragma once

// (f) Timers fire at least once, act once, and never early.

#include "tests/sim/checker.h"

namespace ingot::sim {

class TimerChecker final : public Checker {
 public:
  explicit TimerChecker(Findings& findings) : findings_(findings) {}

  void before(const DurableFact& fact) override;
  // At the end: nothing that is due may be left.
  void ended(const partition::PartitionState& state, Timestamp now);

 private:
  Findings& findings_;
};

}  // namespace ingot::sim
