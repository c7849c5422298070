// Packs come back whole, and bytes that are no pack are told.

#include "storage/pack.h"

#include <gtest/gtest.h>

#include <vector>

#include "core/random.h"

namespace ingot::storage {
namespace {

struct Packed {
  std::string pack;
  std::vector<std::uint64_t> offsets;
};

Packed pack_of(int records) {
  PackBuilder builder(1);
  Packed packed;
  for (int i = 0; i < records; ++i) {
    packed.offsets.push_back(builder.add("id" + std::to_string(i), "record " + std::to_string(i)));
  }
  const auto finished = builder.finish();
  EXPECT_TRUE(finished.ok());
  packed.pack = *finished;
  EXPECT_TRUE(builder.empty());
  return packed;
}

std::string random_noise(Random& random) {
  std::string noise(random.below(60), '\0');
  for (char& c : noise) c = static_cast<char>(random.next());
  return noise;
}

TEST(PackTest, RecordsComeBackByTheirOffsets) {
  const Packed packed = pack_of(500);
  const auto bytes = unpack(packed.pack);
  ASSERT_TRUE(bytes.has_value());
  for (std::size_t i = 0; i < packed.offsets.size(); ++i) {
    const auto record = record_at(*bytes, packed.offsets[i]);
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->id, "id" + std::to_string(i));
    EXPECT_EQ(record->record, "record " + std::to_string(i));
  }
  EXPECT_FALSE(record_at(*bytes, bytes->size()).has_value());
}

TEST(PackTest, CutOrDamagedPacksNeverReachBeyondTheirBytes) {
  const Packed packed = pack_of(50);
  for (std::size_t size = 0; size < packed.pack.size(); ++size) {
    EXPECT_FALSE(unpack(std::string_view(packed.pack).substr(0, size)).has_value()) << size;
  }
  constexpr std::uint64_t kSeed = 6;
  Random random(kSeed);
  for (int trial = 0; trial < 2000; ++trial) {
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", trial " + std::to_string(trial));
    std::string bad = packed.pack;
    const std::uint64_t bit = random.below(bad.size() * 8);
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    const auto bytes = unpack(bad);
    if (!bytes) continue;
    for (std::uint64_t offset = 0; offset < bytes->size();) {
      const auto record = record_at(*bytes, offset);
      if (!record) break;
      ASSERT_GT(record->end, offset);
      ASSERT_LE(record->end, bytes->size());
      offset = record->end;
    }
  }
}

TEST(PackTest, ARecordRemembersHowManyAreLeftOut) {
  PackBuilder builder(1);
  const std::uint64_t first = builder.add("a", "one", 3);
  const std::uint64_t second = builder.add("b", "two");
  const auto finished = builder.finish();
  ASSERT_TRUE(finished.ok());
  const auto bytes = unpack(*finished);
  ASSERT_TRUE(bytes.has_value());
  EXPECT_EQ(record_at(*bytes, first)->skipped, 3U);
  EXPECT_EQ(record_at(*bytes, first)->end, second);
  EXPECT_EQ(record_at(*bytes, second)->skipped, 0U);
}

TEST(DeadListTest, ComesBackAsItWasAndRefusesOtherBytes) {
  constexpr std::uint64_t kSeed = 12;
  Random random(kSeed);
  for (int trial = 0; trial < 200; ++trial) {
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", trial " + std::to_string(trial));
    DeadList list;
    std::uint64_t offset = random.below(2);
    for (std::uint64_t left = random.below(50); left > 0; --left) {
      list.offsets.push_back(offset);
      offset += 1 + random.below(random.one_in(4) ? 100'000 : 100);
    }
    list.records = list.offsets.size() + random.below(300);
    const std::string bytes = list.encode();
    const auto parsed = DeadList::parse(bytes);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->records, list.records);
    EXPECT_EQ(parsed->offsets, list.offsets);
    const auto head = parse_dead_head(bytes);
    ASSERT_TRUE(head.has_value());
    EXPECT_EQ(head->records, list.records);
    EXPECT_EQ(head->dead, list.offsets.size());
    EXPECT_FALSE(DeadList::parse(bytes + "x").has_value());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(DeadList::parse(std::string_view(bytes).substr(0, size)).has_value());
    }
    std::string noise = random_noise(random);
    static_cast<void>(DeadList::parse(noise).has_value());
  }
  EXPECT_FALSE(DeadList::parse(std::string_view("\x03\x02\x05\x00", 4)).has_value()) << "twice";
  EXPECT_FALSE(DeadList::parse("\x01\x02\x05\x01").has_value()) << "more dead than records";
}

TEST(PackTest, AHeadThatAsksForTooMuchIsRefused) {
  std::string_view rest;
  EXPECT_FALSE(parse_pack_head("\xff\xff\xff\xff\x7f\x01", rest).has_value());
  EXPECT_FALSE(parse_pack_head("", rest).has_value());
}

}  // namespace
}  // namespace ingot::storage
