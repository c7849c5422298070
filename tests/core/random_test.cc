#include "core/random.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "core/hash.h"

namespace ingot {
namespace {

// The first outputs of the authors' reference implementation.
TEST(RandomTest, TheStreamIsSplitMix64) {
  Random zero(0);
  EXPECT_EQ(zero.next(), 0xE220A8397B1DCDAFU);
  EXPECT_EQ(zero.next(), 0x6E789E6AA1B965F4U);
  EXPECT_EQ(zero.next(), 0x06C45D188009454FU);
  Random other(1234567);
  EXPECT_EQ(other.next(), 6457827717110365317U);
  EXPECT_EQ(other.next(), 3203168211198807973U);
  EXPECT_EQ(other.next(), 9817491932198370423U);
}

TEST(RandomTest, BelowStaysBelowAndReachesAll) {
  Random random(1);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70'000; ++i) ++counts.at(random.below(7));
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 600);  // some six standard deviations
  EXPECT_EQ(random.below(1), 0U);
}

TEST(RandomTest, OneInOneIsAlways) {
  Random random(2);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(random.one_in(1));
}

// Routing depends on it: these values are part of the hubs' format.
TEST(HashTest, TheFunctionIsXxh3) {
  EXPECT_EQ(hash64(""), 0x2D06800538D394C2U);
  EXPECT_NE(hash64("a"), hash64("b"));
  EXPECT_NE(hash64("a", 1), hash64("a", 2));
  EXPECT_EQ(hash64("a", 0), hash64("a"));
}

}  // namespace
}  // namespace ingot
