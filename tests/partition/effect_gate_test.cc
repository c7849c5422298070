#include "partition/shard/effect_gate.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/random.h"

namespace ingot::partition {
namespace {

TEST(EffectGateTest, ReleasesInOrderWhatIsDurable) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    EffectGate gate;
    std::vector<std::uint64_t> causes;  // by the order of holding
    std::size_t ran = 0;
    std::uint64_t position = 0;
    std::uint64_t durable = 0;
    for (int step = 0; step < 500; ++step) {
      if (random.one_in(2)) {
        position += random.below(3);
        const std::size_t ordinal = causes.size();
        causes.push_back(position);
        gate.hold(Position(position), [&, ordinal](const Status& status) {
          EXPECT_TRUE(status.ok());
          EXPECT_EQ(ordinal, ran);
          EXPECT_LE(causes[ordinal], durable);
          ++ran;
        });
      } else {
        durable += random.below(position - durable + 1);
        const std::size_t before = ran;
        const std::size_t released = gate.release(Position(durable));
        ASSERT_EQ(released, ran - before);
        ASSERT_TRUE(ran == causes.size() || causes[ran] > durable);
      }
      ASSERT_EQ(gate.size(), causes.size() - ran);
    }
  }
}

TEST(EffectGateTest, AnActionMayHoldFurtherOnes) {
  EffectGate gate;
  std::string ran;
  gate.hold(Position(1), [&](const Status&) {
    ran += "a";
    gate.hold(Position(1), [&](const Status&) { ran += "b"; });
    gate.hold(Position(2), [&](const Status&) { ran += "c"; });
  });
  EXPECT_EQ(gate.release(Position(1)), 2U);
  EXPECT_EQ(ran, "ab");
  EXPECT_EQ(gate.release(Position(1)), 0U);
  EXPECT_EQ(gate.release(Position(2)), 1U);
  EXPECT_EQ(ran, "abc");
}

TEST(EffectGateTest, AFailureReachesEverythingThatIsHeldOnce) {
  EffectGate gate;
  std::vector<StatusCode> codes;
  for (std::uint64_t p = 1; p <= 3; ++p) {
    gate.hold(Position(p), [&](const Status& status) { codes.push_back(status.code()); });
  }
  gate.release(Position(1));
  gate.fail(Status(StatusCode::unknown, "the write failed"));
  gate.fail(Status(StatusCode::unknown, "again"));
  EXPECT_EQ(codes,
            (std::vector<StatusCode>{StatusCode::ok, StatusCode::unknown, StatusCode::unknown}));
  EXPECT_EQ(gate.size(), 0U);
}

}  // namespace
}  // namespace ingot::partition
