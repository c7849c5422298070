// The cases tested themselves: a log is written as builds with a broken detector would have written
// it, and the same cases have to find that damage goes unnoticed.

#include <gtest/gtest.h>

#include "tests/corruption/log_victim.h"

namespace ingot::corruption {
namespace {

Tally damage(Detector detector) {
  LogVictim victim({.segments = 1, .detector = detector});
  return run_cases(victim, {.cases_per_kind = 120, .seed = 3, .print = false});
}

TEST(Detector, WithItNothingIsAcceptedInSilence) {
  const Tally tally = damage(Detector::works);
  EXPECT_TRUE(tally.clean()) << tally.to_string();
  EXPECT_GT(tally.refused, tally.cases / 2);
}

// Neither the watermark's durable position nor the place of its write proves anything: what is
// damaged ends the log, and all behind it is lost.
TEST(Detector, WithFrozenProofsTheCasesFindTheLoss) {
  const Tally tally = damage(Detector::frozen_proofs);
  EXPECT_GT(tally.silent, tally.cases / 3) << tally.to_string();
  EXPECT_EQ(tally.signals, 0U);
}

// The last batch alone hangs on the watermark behind it.
TEST(Detector, WithoutTheLastWatermarkTheCasesFindTheLoss) {
  const Tally tally = damage(Detector::no_watermark);
  EXPECT_GT(tally.silent, 10U) << tally.to_string();
  EXPECT_LT(tally.silent, tally.refused) << tally.to_string();
  EXPECT_EQ(tally.signals, 0U);
}

// The two proofs stand for each other: a later write shows that the earlier one was durable even
// when it doesn't say so.
TEST(Detector, AFrozenDurablePositionAloneLosesNothing) {
  const Tally tally = damage(Detector::frozen_durable_position);
  EXPECT_TRUE(tally.clean()) << tally.to_string();
  EXPECT_GT(tally.refused, tally.cases / 2);
}

}  // namespace
}  // namespace ingot::corruption
