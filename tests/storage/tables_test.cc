// Seals bind a value to its place and time; the meta row's bytes are parsed with care.

#include "storage/tables.h"

#include <gtest/gtest.h>

#include "core/random.h"
#include "storage/bloom_filter.h"
#include "storage/id_run.h"

namespace ingot::storage {
namespace {

TEST(SealTest, AValueIsRightInItsOwnPlaceOnly) {
  std::string value;
  const std::uint32_t crc = seal(Table::rows, "key", 300, "payload", value);
  Unsealed out;
  ASSERT_TRUE(unseal(Table::rows, "key", value, 300, out));
  EXPECT_EQ(out.payload, "payload");
  EXPECT_EQ(out.generation, 300U);
  EXPECT_EQ(out.crc, crc);
  EXPECT_FALSE(unseal(Table::packs, "key", value, 300, out));
  EXPECT_FALSE(unseal(Table::rows, "kez", value, 300, out));
  EXPECT_FALSE(unseal(Table::rows, "ke", value, 300, out));
  EXPECT_FALSE(unseal(Table::rows, "key", value, 299, out)) << "newer than the meta row";
}

TEST(SealTest, AnyFlippedBitAndAnyCutIsSeen) {
  std::string value;
  seal(Table::rows, "key", 300, "payload", value);
  Unsealed out;
  for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
    std::string bad = value;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(unseal(Table::rows, "key", bad, UINT64_MAX, out)) << bit;
  }
  for (std::size_t size = 0; size < value.size(); ++size) {
    EXPECT_FALSE(unseal(Table::rows, "key", std::string_view(value).substr(0, size), 300, out));
  }
}

StoreMeta some_meta() {
  StoreMeta meta;
  meta.hub_id = 0x1234567890;
  meta.partition = PartitionId(9);
  meta.generation = 1000;
  meta.position = Position(1ULL << 40);
  meta.table(Table::rows) = {5, 0xFEDCBA9876543210, 999, 3, 1, 2, 0};
  meta.runs = {{1, 2}, {70, 0}};
  meta.garbage = {{4, 100}, {200, 1}};
  return meta;
}

TEST(MetaRowTest, ComesBackAsItWas) {
  std::string bytes;
  some_meta().encode(bytes);
  StoreMeta meta;
  ASSERT_TRUE(meta.decode(bytes).ok());
  std::string again;
  meta.encode(again);
  EXPECT_EQ(again, bytes);
  EXPECT_EQ(meta.position, some_meta().position);
  ASSERT_EQ(meta.garbage.size(), 2U);
}

TEST(MetaRowTest, CutOrRandomBytesAreRefused) {
  std::string bytes;
  some_meta().encode(bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    StoreMeta meta;
    EXPECT_FALSE(meta.decode(std::string_view(bytes).substr(0, size)).ok()) << size;
  }
  StoreMeta meta;
  EXPECT_FALSE(meta.decode(bytes + "x").ok());
  Random random(5);
  for (int trial = 0; trial < 2000; ++trial) {
    std::string noise(random.below(300), '\0');
    for (char& c : noise) c = static_cast<char>(random.next());
    if (!noise.empty()) noise[0] = 1;
    StoreMeta ignored;
    static_cast<void>(ignored.decode(noise).ok());
  }
}

TEST(BloomFilterTest, HidesNothingAndTakesFewForPresent) {
  constexpr std::uint64_t kKeys = 20'000;
  BloomFilter filter(kKeys);
  for (std::uint64_t i = 0; i < kKeys; ++i) filter.add(id_hash("in" + std::to_string(i)));
  BloomFilter loaded;
  ASSERT_TRUE(BloomFilter::parse(filter.bytes(), loaded));
  std::uint64_t wrong = 0;
  for (std::uint64_t i = 0; i < kKeys; ++i) {
    ASSERT_TRUE(loaded.may_contain(id_hash("in" + std::to_string(i))));
    wrong += loaded.may_contain(id_hash("out" + std::to_string(i))) ? 1U : 0U;
  }
  EXPECT_LT(wrong, kKeys / 50);
  EXPECT_FALSE(BloomFilter::parse("odd", loaded));
  EXPECT_FALSE(BloomFilter::parse("", loaded));
}

}  // namespace
}  // namespace ingot::storage
