#include "partition/peers/channel_ends.h"

#include <gtest/gtest.h>

#include "core/random.h"

namespace ingot::partition {
namespace {

constexpr std::uint32_t kPartitions = 3;

// A hub's partitions as durable states that are reached one by one, and copies of earlier ones.
class ChannelEndsTest : public ::testing::Test {
 protected:
  // Any next step of any channel: a message is sent, taken, or confirmed. Each holds what it must.
  void step(Random& random) {
    PartitionState& origin = *states_[random.below(kPartitions)];
    PartitionState& destination = *states_[random.below(kPartitions)];
    const std::uint64_t taken = destination.dedup.last(origin.partition);
    switch (random.below(3)) {
      case 0:
        origin.outbox.append(destination.partition, "target", "event");
        break;
      case 1:
        if (origin.outbox.find(destination.partition, taken + 1) != nullptr) {
          ASSERT_TRUE(destination.dedup.advance(origin.partition, taken + 1));
        }
        break;
      default:
        if (taken != 0) {
          ASSERT_TRUE(origin.outbox.confirm(destination.partition, random.below(taken) + 1));
        }
    }
  }
  [[nodiscard]] std::vector<ChannelEnds> ends() const {
    std::vector<ChannelEnds> all;
    for (const auto& state : states_) all.push_back(channel_ends(*state));
    return all;
  }

  std::vector<std::unique_ptr<PartitionState>> states_ = [] {
    std::vector<std::unique_ptr<PartitionState>> states;
    for (std::uint32_t p = 0; p < kPartitions; ++p) {
      states.push_back(std::make_unique<PartitionState>(PartitionId(p), kPartitions));
    }
    return states;
  }();
};

TEST_F(ChannelEndsTest, WhateverIsDurableFits) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    for (int i = 0; i < 300; ++i) {
      step(random);
      const std::optional<ChannelFault> fault = check_channels(ends());
      ASSERT_FALSE(fault.has_value()) << fault->what;
    }
  }
}

// One partition as it was before: a fault exactly when others know what it does not.
TEST_F(ChannelEndsTest, APartitionThatIsBehindIsNamed) {
  std::uint64_t found = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::vector<std::vector<ChannelEnds>> moments;
    for (int i = 0; i < 100; ++i) {
      step(random);
      moments.push_back(ends());
    }
    for (int i = 0; i < 200; ++i) {
      const PartitionId older(static_cast<std::uint32_t>(random.below(kPartitions)));
      std::vector<ChannelEnds> hub = moments.back();
      hub[older.value] = moments[random.below(moments.size())][older.value];
      bool fits = true;
      for (std::uint32_t p = 0; p < kPartitions; ++p) {
        if (p == older.value) continue;
        const ChannelEnd& here = hub[older.value].peers[p];
        const ChannelEnd& there = hub[p].peers[older.value];
        fits &= there.taken <= here.sent && there.confirmed <= here.taken;
      }
      const std::optional<ChannelFault> fault = check_channels(hub);
      ASSERT_EQ(fault.has_value(), !fits);
      if (fits) continue;
      ++found;
      ASSERT_EQ(fault->behind, older) << fault->what;
      ASSERT_NE(fault->what.find("partition " + std::to_string(older.value) + " is behind"),
                std::string::npos)
          << fault->what;
    }
  }
  EXPECT_GT(found, 1000U);
}

}  // namespace
}  // namespace ingot::partition
