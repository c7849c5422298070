#include "partition/state/flat_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/random.h"

namespace ingot::partition {
namespace {

using Model = std::unordered_multimap<std::uint64_t, std::uint32_t>;

// Few keys, so that they repeat; or many.
void compare_with_model(std::uint64_t seed, std::uint64_t keys, int steps) {
  SCOPED_TRACE("seed " + std::to_string(seed) + ", keys " + std::to_string(keys));
  Random random(seed);
  FlatIndex<std::uint32_t> index;
  Model model;
  std::uint32_t next_value = 1;
  for (int step = 0; step < steps; ++step) {
    const std::uint64_t key = random.below(keys);
    const auto [first, last] = model.equal_range(key);
    // Grows, then shrinks.
    const bool grow = random.below(10) < (step < steps / 2 ? 7U : 3U);
    if (grow) {
      index.insert(key, next_value);
      model.emplace(key, next_value++);
    } else if (first != last) {
      const std::uint32_t value = first->second;
      ASSERT_TRUE(index.erase(key, value));
      ASSERT_FALSE(index.erase(key, value));
      model.erase(first);
    } else {
      ASSERT_FALSE(index.erase(key, next_value));
    }
    ASSERT_EQ(index.size(), model.size());
    const std::uint64_t probe = random.below(keys);
    const auto [begin, end] = model.equal_range(probe);
    ASSERT_EQ(index.find(probe) != 0, begin != end);
    for (auto at = begin; at != end; ++at) {
      const std::uint32_t wanted = at->second;
      ASSERT_EQ(index.find(probe, [&](std::uint32_t value) { return value == wanted; }), wanted);
    }
  }
  std::vector<std::uint32_t> values;
  index.for_each([&](std::uint32_t value) { values.push_back(value); });
  std::vector<std::uint32_t> expected;
  for (const auto& [key, value] : model) expected.push_back(value);
  std::sort(values.begin(), values.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(values, expected);
  for (const auto& [key, value] : model) ASSERT_TRUE(index.erase(key, value));
  EXPECT_EQ(index.size(), 0U);
}

TEST(FlatIndexTest, BehavesAsAMultimap) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    compare_with_model(seed, 4, 400);
    compare_with_model(seed, 300, 4000);
    compare_with_model(seed, UINT64_MAX, 4000);
  }
}

TEST(FlatIndexTest, AnEmptyOneFindsNothing) {
  FlatIndex<std::uint32_t> index;
  EXPECT_EQ(index.find(7), 0U);
  EXPECT_FALSE(index.erase(7, 1));
  EXPECT_EQ(index.memory_bytes(), 0U);
}

TEST(FlatIndexTest, SequenceNumbersSpreadOverTheSegments) {
  FlatIndex<std::uint64_t> index;
  constexpr std::uint64_t kCount = 20'000;
  for (std::uint64_t i = 1; i <= kCount; ++i) index.insert(i, i);
  for (std::uint64_t i = 1; i <= kCount; ++i) ASSERT_EQ(index.find(i), i);
  // Between three eighths and three quarters full, each segment.
  EXPECT_LE(index.memory_bytes(), kCount * 16 * 8 / 3);
}

}  // namespace
}  // namespace ingot::partition
