// Damaged logs: refused by name, or nothing is lost.

#include <gtest/gtest.h>

#include "tests/corruption/log_victim.h"

namespace ingot::corruption {
namespace {

TEST(LogCases, DamageToASegmentIsRefusedOrHarmless) {
  LogVictim victim({});
  const Tally tally = run_cases(victim, {.cases_per_kind = 2500, .seed = 1});
  EXPECT_TRUE(tally.clean()) << tally.to_string();
  EXPECT_GT(tally.cases, 12000U);
  EXPECT_GT(tally.refused, tally.cases / 2);
  EXPECT_GT(tally.harmless, tally.cases / 100);
}

TEST(LogCases, DamageToOneOfTwoSegmentsIsRefusedOrHarmless) {
  LogVictim victim({.segments = 2});
  const Tally tally = run_cases(victim, {.cases_per_kind = 1500, .seed = 2});
  EXPECT_TRUE(tally.clean()) << tally.to_string();
  EXPECT_GT(tally.cases, 8000U);
  EXPECT_GT(tally.refused, tally.cases / 2);
}

}  // namespace
}  // namespace ingot::corruption
