#include "partition/hub/instance_id_maker.h"

#include <gtest/gtest.h>

#include <string>

namespace ingot::partition {
namespace {

class FixedClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return at; }
  [[nodiscard]] Duration monotonic() const override { return at.time_since_epoch(); }
  Timestamp at{std::chrono::milliseconds(0x0123456789AB)};
};

TEST(InstanceIdMakerTest, AnIdIsAUuidOfVersionSevenInTheOrderOfTime) {
  FixedClock clock;
  InstanceIdMaker maker(clock, 7);
  std::string last;
  for (int i = 0; i < 100'000; ++i) {
    if (i % 1000 == 0) clock.at += std::chrono::milliseconds(1);
    const std::string id = maker.make();
    ASSERT_EQ(id.size(), 36U);
    for (std::size_t at = 0; at < id.size(); ++at) {
      if (at == 8 || at == 13 || at == 18 || at == 23) {
        ASSERT_EQ(id[at], '-') << id;
      } else {
        ASSERT_NE(std::string("0123456789abcdef").find(id[at]), std::string::npos) << id;
      }
    }
    ASSERT_EQ(id[14], '7') << id;
    ASSERT_NE(std::string("89ab").find(id[19]), std::string::npos) << id;
    ASSERT_LT(last, id);
    last = id;
  }
  EXPECT_EQ(last.substr(0, 13), "01234567-8a0f");
}

// Its digits must never change: a retry of a request from another build names the same instance.
TEST(InstanceIdMakerTest, TheIdOfARequestIsAlwaysTheSame) {
  EXPECT_EQ(InstanceIdMaker::of_request(42), "67572691-c5ab-8c9c-a6a2-5328c505b63e");
  EXPECT_NE(InstanceIdMaker::of_request(1), InstanceIdMaker::of_request(2));
}

}  // namespace
}  // namespace ingot::partition
