// The simulator itself: a run is determined by its seed, and has what it promises.

#include "tests/sim/simulation.h"

#include <gtest/gtest.h>

namespace ingot::sim {
namespace {

TEST(Simulation, SameSeedGivesTheSameRun) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const RunResult once = run_simulation({seed, 400, false});
    const RunResult again = run_simulation({seed, 400, true});
    EXPECT_TRUE(once.ok) << once.violation;
    EXPECT_EQ(once.hash, again.hash);
    EXPECT_EQ(once.facts, again.facts);
    EXPECT_EQ(once.writes, again.writes);
  }
}

TEST(Simulation, AnotherSeedGivesAnotherRun) {
  EXPECT_NE(run_simulation({1, 200, false}).hash, run_simulation({2, 200, false}).hash);
}

TEST(Simulation, HasTheOperationsAndCrashesThatItPromises) {
  for (std::uint64_t seed = 20; seed < 24; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const RunResult result = run_simulation({seed, 2000, false});
    EXPECT_TRUE(result.ok) << result.violation;
    EXPECT_GE(result.operations, 2000U);
    EXPECT_GE(result.crashes, 10U);
  }
}

}  // namespace
}  // namespace ingot::sim
