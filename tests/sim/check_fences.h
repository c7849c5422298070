#pragma once

// (h) Old tokens are fenced: what a worker gives with a token that has ended leaves no trace. Such
// an outcome holds the mark kStaleMark, which no durable fact may hold.

#include <string_view>

#include "tests/sim/checker.h"

namespace ingot::sim {

inline constexpr std::string_view kStaleMark = "<stale>";

class FenceChecker final : public Checker {
 public:
  explicit FenceChecker(Findings& findings) : findings_(findings) {}
  void before(const DurableFact& fact) override;

 private:
  Findings& findings_;
};

}  // namespace ingot::sim
