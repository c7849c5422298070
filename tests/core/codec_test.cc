#include "core/codec.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "core/random.h"

namespace ingot {
namespace {

std::vector<std::uint64_t> interesting_numbers() {
  std::vector<std::uint64_t> numbers{0, std::numeric_limits<std::uint64_t>::max()};
  for (unsigned bit = 0; bit < 64; ++bit) {
    const std::uint64_t power = std::uint64_t{1} << bit;
    numbers.insert(numbers.end(), {power - 1, power, power + 1});
  }
  return numbers;
}

TEST(CodecTest, NumbersComeBack) {
  for (const std::uint64_t number : interesting_numbers()) {
    std::string bytes;
    put_u8(bytes, static_cast<std::uint8_t>(number));
    put_fixed32(bytes, static_cast<std::uint32_t>(number));
    put_fixed64(bytes, number);
    put_varint(bytes, number);
    put_zigzag(bytes, static_cast<std::int64_t>(number));
    put_varint(bytes, number & UINT32_MAX);
    Reader reader(bytes);
    EXPECT_EQ(reader.u8(), static_cast<std::uint8_t>(number));
    EXPECT_EQ(reader.fixed32(), static_cast<std::uint32_t>(number));
    EXPECT_EQ(reader.fixed64(), number);
    EXPECT_EQ(reader.varint(), number);
    EXPECT_EQ(reader.zigzag(), static_cast<std::int64_t>(number));
    EXPECT_EQ(reader.varint32(), number & UINT32_MAX);
    EXPECT_TRUE(reader.finished());
  }
}

TEST(CodecTest, TheBytesAreThoseOfTheFormat) {
  std::string bytes;
  put_fixed32(bytes, 0x04030201);
  put_varint(bytes, 300);
  put_zigzag(bytes, -1);
  put_zigzag(bytes, 1);
  put_bytes(bytes, "ab");
  EXPECT_EQ(bytes, std::string("\x01\x02\x03\x04\xAC\x02\x01\x02\x02"
                               "ab"));
}

TEST(CodecTest, EveryTruncationFailsForGood) {
  std::string bytes;
  put_fixed64(bytes, 1);
  put_varint(bytes, std::uint64_t{1} << 63);
  put_bytes(bytes, "some text");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Reader reader(std::string_view(bytes).substr(0, size));
    static_cast<void>(reader.fixed64());
    static_cast<void>(reader.varint());
    static_cast<void>(reader.bytes());
    EXPECT_FALSE(reader.ok()) << size;
    EXPECT_FALSE(reader.finished());
    EXPECT_FALSE(reader.more());
    EXPECT_EQ(reader.remaining(), 0U);
    EXPECT_EQ(reader.varint(), 0U);
    EXPECT_EQ(reader.fixed32(), 0U);
    EXPECT_EQ(reader.bytes(), "");
  }
}

TEST(CodecTest, NumbersTooWideAreRefused) {
  // Ten bytes hold 70 bits: the tenth may only be 0 or 1.
  Reader overflow(std::string_view("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02", 10));
  EXPECT_EQ(overflow.varint(), 0U);
  EXPECT_FALSE(overflow.ok());
  Reader endless(std::string_view("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12));
  EXPECT_EQ(endless.varint(), 0U);
  EXPECT_FALSE(endless.ok());
  std::string bytes;
  put_varint(bytes, std::uint64_t{1} << 32);
  Reader wide(bytes);
  EXPECT_EQ(wide.varint32(), 0U);
  EXPECT_FALSE(wide.ok());
}

TEST(CodecTest, ALengthBeyondTheEndIsRefused) {
  for (const std::uint64_t length : interesting_numbers()) {
    std::string bytes;
    put_varint(bytes, length);
    bytes += "abc";
    Reader reader(bytes);
    const std::string_view view = reader.bytes();
    EXPECT_EQ(reader.ok(), length <= 3);
    EXPECT_EQ(view, reader.ok() ? std::string_view("abc").substr(0, length) : "");
  }
}

TEST(CodecTest, AnyBytesAreReadWithinTheirBounds) {
  const std::uint64_t seed = 20;
  Random random(seed);
  for (int round = 0; round < 20'000; ++round) {
    // Exactly as long as said, so that a sanitizer sees a read beyond.
    std::vector<char> bytes(random.below(40));
    for (char& byte : bytes) byte = static_cast<char>(random.next());
    Reader reader(std::string_view(bytes.data(), bytes.size()));
    while (reader.more()) {
      switch (random.below(7)) {
        case 0:
          static_cast<void>(reader.u8());
          break;
        case 1:
          static_cast<void>(reader.fixed32());
          break;
        case 2:
          static_cast<void>(reader.fixed64());
          break;
        case 3:
          static_cast<void>(reader.varint());
          break;
        case 4:
          static_cast<void>(reader.zigzag());
          break;
        case 5:
          static_cast<void>(reader.varint32());
          break;
        default: {
          const std::string_view view = reader.bytes();
          if (!view.empty()) {
            ASSERT_GE(view.data(), bytes.data());
            ASSERT_LE(view.data() + view.size(), bytes.data() + bytes.size());
          }
        }
      }
    }
    ASSERT_EQ(reader.remaining(), 0U) << "seed " << seed;
  }
}

}  // namespace
}  // namespace ingot
