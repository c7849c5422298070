#include <gtest/gtest.h>
#include <ingot/ids.h>

#include <string>

#include "core/random.h"

namespace ingot {
namespace {

TEST(IdsTest, PositionsCountAndCompare) {
  Position position(4);
  EXPECT_LT(position, Position(5));
  EXPECT_EQ(++position, Position(5));
  EXPECT_EQ(position.plus(3), Position(8));
  EXPECT_EQ(Position(), Position(0));
}

TEST(IdsTest, ExecutionIdsAsText) {
  Random random(5);
  for (int i = 0; i < 1000; ++i) {
    const ExecutionId id{random.next(), random.next()};
    const auto parsed = parse_execution_id(to_string(id));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, id);
  }
  EXPECT_EQ(to_string(ExecutionId{1, 0xABC}), "00000000000000010000000000000abc");
  EXPECT_TRUE(ExecutionId{}.empty());
  for (const char* bad :
       {"", "0", "00000000000000010000000000000abg", "00000000000000010000000000000abc0",
        "0000000000000001 000000000000abc"}) {
    EXPECT_EQ(parse_execution_id(bad).status().code(), StatusCode::invalid_argument) << bad;
  }
}

TEST(IdsTest, InstanceIdsAreShortPrintableUtf8) {
  using namespace std::string_literals;
  for (const std::string& good :
       {"a"s, "@counter@key"s, std::string(256, 'x'), "with space/and:signs"s, "\xC3\xA9t\xC3\xA9"s,
        "\xE2\x82\xAC"s, "\xF0\x9F\x98\x80"s, "\xF4\x8F\xBF\xBF"s, "\xED\x9F\xBF"s}) {
    EXPECT_TRUE(validate_instance_id(good).ok()) << good;
  }
  for (const std::string& bad :
       {""s, std::string(257, 'x'), "a\nb"s, "a\0b"s, "\x7F"s, "\x80"s, "\xC0\xAF"s, "\xC1\xBF"s,
        "\xC2"s, "\xC2\x85"s, "\xE0\x80\x80"s, "\xE2\x82"s, "\xED\xA0\x80"s, "\xF0\x80\x80\x80"s,
        "\xF4\x90\x80\x80"s, "\xF5\x80\x80\x80"s, "\xFF"s, "ok\xE2\x28\xA1"s}) {
    EXPECT_EQ(validate_instance_id(bad).code(), StatusCode::invalid_argument);
  }
}

// Every text that this accepts is what a decoder written the other way round gives back.
TEST(IdsTest, EveryCodePointThatIsNoControlCharacterIsAccepted) {
  for (std::uint32_t point = 1; point <= 0x110000; point += point < 0x900 ? 1 : 61) {
    std::string text;
    if (point < 0x80) {
      text = {static_cast<char>(point)};
    } else if (point < 0x800) {
      text = {static_cast<char>(0xC0 | point >> 6), static_cast<char>(0x80 | (point & 63))};
    } else if (point < 0x10000) {
      text = {static_cast<char>(0xE0 | point >> 12), static_cast<char>(0x80 | (point >> 6 & 63)),
              static_cast<char>(0x80 | (point & 63))};
    } else {
      text = {static_cast<char>(0xF0 | point >> 18), static_cast<char>(0x80 | (point >> 12 & 63)),
              static_cast<char>(0x80 | (point >> 6 & 63)), static_cast<char>(0x80 | (point & 63))};
    }
    const bool control = point < 0x20 || (point >= 0x7F && point < 0xA0);
    const bool scalar = point < 0xD800 || (point > 0xDFFF && point < 0x110000);
    ASSERT_EQ(validate_instance_id(text).ok(), scalar && !control) << point;
    // The same at each place among texts that are checked many bytes at a time.
    for (std::size_t at = 0; at <= 17; ++at) {
      const std::string within = std::string(at, '~') + text + std::string(17 - at, ' ');
      ASSERT_EQ(validate_instance_id(within).ok(), scalar && !control) << point << " at " << at;
    }
  }
}

TEST(IdsTest, ABadNameSaysWhatItNames) {
  EXPECT_EQ(validate_name("activity", "").message(), "the name of the activity is empty");
  EXPECT_TRUE(validate_name("activity", "hello").ok());
}

}  // namespace
}  // namespace ingot
