#include "core/crc32c.h"

#include <gtest/gtest.h>

#include <string>

#include "core/random.h"

namespace ingot {
namespace {

// RFC 3720, appendix B.4, and the check value of the catalogue of parametrised CRCs.
TEST(Crc32cTest, KnownVectors) {
  for (const auto function : {&crc32c, &crc32c_by_table}) {
    EXPECT_EQ(function("123456789", 0), 0xE3069283U);
    EXPECT_EQ(function(std::string(32, '\0'), 0), 0x8A9136AAU);
    EXPECT_EQ(function(std::string(32, '\xFF'), 0), 0x62A8AB43U);
    std::string up;
    std::string down;
    for (char c = 0; c < 32; ++c) {
      up.push_back(c);
      down.insert(down.begin(), c);
    }
    EXPECT_EQ(function(up, 0), 0x46DD794EU);
    EXPECT_EQ(function(down, 0), 0x113FDB5CU);
    EXPECT_EQ(function("", 0), 0U);
  }
}

TEST(Crc32cTest, InstructionAndTableAgreeAtAnyLengthAndAlignment) {
  Random random(1);
  std::string bytes(5000, '\0');
  for (char& c : bytes) c = static_cast<char>(random.next());
  for (int i = 0; i < 2000; ++i) {
    const std::size_t start = random.below(64);
    const auto part = std::string_view(bytes).substr(start, random.below(i < 500 ? 64 : 4900));
    const auto before = static_cast<std::uint32_t>(random.next());
    ASSERT_EQ(crc32c(part, before), crc32c_by_table(part, before));
  }
}

TEST(Crc32cTest, PartsAddUp) {
  const std::string text = "one checksum over parts that come one after the other";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const auto view = std::string_view(text);
    EXPECT_EQ(crc32c(view.substr(cut), crc32c(view.substr(0, cut))), crc32c(text));
  }
}

}  // namespace
}  // namespace ingot
