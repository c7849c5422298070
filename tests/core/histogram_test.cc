#include "core/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/random.h"

namespace ingot {
namespace {

TEST(Histogram, EmptyGivesZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.max(), 0U);
  EXPECT_EQ(histogram.quantile(0.5), 0U);
}

TEST(Histogram, SmallValuesAreExact) {
  Histogram histogram;
  for (std::uint64_t value = 0; value < 256; ++value) histogram.record(value);
  EXPECT_EQ(histogram.quantile(0.5), 127U);
  EXPECT_EQ(histogram.quantile(0), 0U);
  EXPECT_EQ(histogram.quantile(1), 255U);
}

// Every quantile of random values, spread over all magnitudes, is within one percent above the
// exact one.
TEST(Histogram, QuantilesAreWithinOnePercent) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    Histogram histogram;
    std::vector<std::uint64_t> values;
    for (int i = 0; i < 2000; ++i) {
      values.push_back(std::min(random.next() >> random.below(64), Histogram::kValueMax));
      histogram.record(values.back());
    }
    std::sort(values.begin(), values.end());
    for (const double quantile : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const auto rank = static_cast<std::size_t>(std::ceil(quantile * 2000)) - 1;
      const auto exact = static_cast<double>(values[rank]);
      EXPECT_GE(static_cast<double>(histogram.quantile(quantile)), exact);
      EXPECT_LE(static_cast<double>(histogram.quantile(quantile)), exact * 1.01);
    }
    EXPECT_EQ(histogram.max(), values.back());
    EXPECT_EQ(histogram.quantile(1), values.back());
  }
}

TEST(Histogram, MergingEqualsRecordingTogether) {
  Random random(7);
  Histogram one;
  Histogram other;
  Histogram both;
  for (int i = 0; i < 5000; ++i) {
    const std::uint64_t value = random.next() >> random.below(64);
    (random.one_in(3) ? one : other).record(value);
    both.record(value);
  }
  one.merge(other);
  EXPECT_EQ(one.count(), both.count());
  EXPECT_EQ(one.max(), both.max());
  for (double quantile = 0; quantile <= 1; quantile += 0.01) {
    EXPECT_EQ(one.quantile(quantile), both.quantile(quantile));
  }
}

TEST(Histogram, TooLargeValuesCountAsTheGreatest) {
  Histogram histogram;
  histogram.record(UINT64_MAX);
  EXPECT_EQ(histogram.count(), 1U);
  EXPECT_EQ(histogram.quantile(0.5), Histogram::kValueMax);
}

}  // namespace
}  // namespace ingot
