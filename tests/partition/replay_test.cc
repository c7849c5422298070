// The state machine is deterministic: what runs and what is replayed from bytes can't differ.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "partition/apply/apply.h"
#include "partition/shard/replay_checker.h"
#include "tests/partition/fact_program.h"

namespace ingot::partition {
namespace {

constexpr PartitionId kSelf(1);
constexpr std::uint32_t kPartitions = 3;

// Applies the fact as the partition that records it does: it is decoded from its own bytes.
Status apply_bytes(PartitionState& state, std::string_view bytes, Effects& effects) {
  const Result<Fact> fact = decode_fact(bytes);
  if (!fact.ok()) return fact.status();
  return apply(state, state.applied.plus(1), *fact, effects);
}

TEST(ReplayTest, TheSameFactsGiveTheSameState) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    FactProgram program(seed);
    PartitionState state(kSelf, kPartitions);
    std::vector<std::string> facts;
    std::vector<std::string> snapshots;
    std::vector<std::size_t> effect_counts;
    Effects effects;
    for (int i = 0; i < 250; ++i) {
      facts.push_back(program.next(state));
      effects.clear();
      const Status applied = apply_bytes(state, facts.back(), effects);
      ASSERT_TRUE(applied.ok()) << "fact " << i << ": " << applied.to_string();
      effect_counts.push_back(effects.size());
      snapshots.push_back(state.snapshot());
    }
    EXPECT_GT(state.counters.finished, 0U);
    PartitionState replayed(kSelf, kPartitions);
    for (std::size_t i = 0; i < facts.size(); ++i) {
      effects.clear();
      ASSERT_TRUE(apply_bytes(replayed, facts[i], effects).ok());
      ASSERT_EQ(effects.size(), effect_counts[i]);
      ASSERT_EQ(replayed.snapshot(), snapshots[i]) << "fact " << i;
    }
  }
}

// From any prefix: the state as bytes, decoded, takes the next fact as the state itself does.
TEST(ReplayTest, AStateOfBytesGoesOnAsTheOneItWasMadeFrom) {
  for (std::uint64_t seed = 100; seed < 108; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    FactProgram program(seed);
    PartitionState state(kSelf, kPartitions);
    Effects effects;
    for (int i = 0; i < 250; ++i) {
      const std::string fact = program.next(state);
      const Result<std::string> copy = apply_to_decoded_copy(state, fact);
      ASSERT_TRUE(copy.ok()) << "fact " << i << ": " << copy.status().to_string();
      ASSERT_TRUE(apply_bytes(state, fact, effects).ok());
      ASSERT_EQ(*copy, state.snapshot()) << "fact " << i;
      if (i == 120) static_cast<void>(state.finished.seal());
    }
  }
}

TEST(ReplayTest, DamagedFactsAreRefusedOrAppliedButNeverCrash) {
  for (std::uint64_t seed = 200; seed < 204; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    FactProgram program(seed);
    Random random(seed);
    PartitionState state(kSelf, kPartitions);
    Effects effects;
    for (int i = 0; i < 120; ++i) {
      const std::string fact = program.next(state);
      for (int damage = 0; damage < 4; ++damage) {
        std::string bad = fact;
        bad[random.below(bad.size())] ^= static_cast<char>(1 + random.below(255));
        // Whatever it says: a Status, and a state that can be made of it can be encoded.
        const Result<std::string> copy = apply_to_decoded_copy(state, bad);
        if (!copy.ok()) {
          ASSERT_EQ(copy.status().code(), StatusCode::corrupt) << copy.status().to_string();
        }
      }
      ASSERT_TRUE(apply_bytes(state, fact, effects).ok());
    }
  }
}

}  // namespace
}  // namespace ingot::partition
