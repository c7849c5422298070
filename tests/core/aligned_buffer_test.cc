#include "core/aligned_buffer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>

#include "core/random.h"

namespace ingot {
namespace {

bool aligned(const AlignedBuffer& buffer) {
  return reinterpret_cast<std::uintptr_t>(buffer.data()) % AlignedBuffer::kAlignment == 0;
}

TEST(AlignedBufferTest, GrowsLikeAStringAndStaysAligned) {
  Random random(9);
  AlignedBuffer buffer;
  std::string model;
  for (int i = 0; i < 2000; ++i) {
    switch (random.below(4)) {
      case 0: {
        const std::string bytes(random.below(300), static_cast<char>('a' + random.below(26)));
        buffer.append(bytes);
        model += bytes;
        break;
      }
      case 1: {
        const std::size_t count = random.below(5000);
        buffer.append_zeros(count);
        model.append(count, '\0');
        break;
      }
      case 2: {
        const std::size_t size = random.below(model.size() + 1);
        buffer.resize(size);
        model.resize(size);
        break;
      }
      default:
        buffer.reserve(random.below(20'000));
    }
    if (random.one_in(100)) {
      buffer.clear();
      model.clear();
    }
    ASSERT_EQ(buffer.view(), model);
    ASSERT_TRUE(aligned(buffer));
    ASSERT_GE(buffer.capacity(), buffer.size());
  }
}

TEST(AlignedBufferTest, MovesLeaveAnEmptyBuffer) {
  AlignedBuffer a;
  a.append("text");
  AlignedBuffer b = std::move(a);
  EXPECT_EQ(b.view(), "text");
  a = AlignedBuffer();
  a.append("other");
  b = std::move(a);
  EXPECT_EQ(b.view(), "other");
  AlignedBuffer empty;
  empty.append("");
  EXPECT_EQ(empty.view(), "");
}

}  // namespace
}  // namespace ingot
