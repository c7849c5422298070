#include "partition/state/outbox.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "core/random.h"

namespace ingot::partition {
namespace {

std::string text(Random& random) {
  return std::string(random.below(40), static_cast<char>('a' + random.below(26)));
}

template <typename Table>
std::string encoded(const Table& table) {
  std::string bytes;
  table.encode(bytes);
  return bytes;
}

TEST(OutboxTest, KeepsEachMessageUntilItIsConfirmed) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Outbox outbox;
    std::map<std::uint32_t, std::map<std::uint64_t, std::pair<std::string, std::string>>> model;
    std::map<std::uint32_t, std::uint64_t> last;
    for (int step = 0; step < 400; ++step) {
      const auto to = static_cast<std::uint32_t>(random.below(4));
      if (random.below(10) < 6) {
        const std::string target = text(random);
        const std::string event = text(random);
        ASSERT_EQ(outbox.append(PartitionId(to), target, event), ++last[to]);
        model[to][last[to]] = {target, event};
      } else {
        const std::uint64_t position = random.below(last[to] + 2);
        ASSERT_EQ(outbox.confirm(PartitionId(to), position), position <= last[to]);
        if (position <= last[to]) {
          model[to].erase(model[to].begin(), model[to].upper_bound(position));
        }
      }
      const std::uint64_t probe = random.below(last[to] + 2);
      const PeerMessage* found = outbox.find(PartitionId(to), probe);
      const auto expected = model[to].find(probe);
      ASSERT_EQ(found != nullptr, expected != model[to].end());
      if (found != nullptr) {
        ASSERT_EQ(found->channel_position, probe);
        ASSERT_EQ(found->target_id, expected->second.first);
        ASSERT_EQ(found->event, expected->second.second);
      }
      if (step % 50 == 49) {
        Outbox copy;
        const std::string bytes = encoded(outbox);
        Reader reader(bytes);
        copy.decode(reader);
        ASSERT_TRUE(reader.finished());
        ASSERT_EQ(encoded(copy), bytes);
        ASSERT_EQ(copy.memory_bytes(), outbox.memory_bytes());
      }
    }
    for (const auto& [to, position] : last) {
      ASSERT_TRUE(outbox.confirm(PartitionId(to), position));
    }
    EXPECT_EQ(outbox.memory_bytes(), 0U);
  }
}

TEST(OutboxTest, APositionSurvivesTheConfirmationOfEverything) {
  Outbox outbox;
  outbox.append(PartitionId(2), "a", "1");
  ASSERT_TRUE(outbox.confirm(PartitionId(2), 1));
  const std::string bytes = encoded(outbox);
  Outbox copy;
  Reader reader(bytes);
  copy.decode(reader);
  EXPECT_EQ(copy.append(PartitionId(2), "b", "2"), 2U);
}

TEST(OutboxTest, HostileBytesLeaveDenseChannelsOrFail) {
  Outbox outbox;
  for (const std::uint32_t to : {0U, 1U, 3U}) {
    for (int i = 0; i < 4; ++i) outbox.append(PartitionId(to), "target", "event");
    outbox.confirm(PartitionId(to), to);
  }
  const std::string good = encoded(outbox);
  for (std::size_t size = 0; size < good.size(); ++size) {
    Outbox cut;
    Reader reader(std::string_view(good).substr(0, size));
    cut.decode(reader);
    EXPECT_FALSE(reader.ok()) << size;
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string bad = good;
      bad[at] = static_cast<char>(value);
      Outbox decoded;
      Reader reader(bad);
      decoded.decode(reader);
      if (!reader.ok()) continue;
      for (const auto& [to, channel] : decoded.channels()) {
        std::uint64_t position = channel.last_position - channel.unconfirmed.size();
        for (const PeerMessage& message : channel.unconfirmed) {
          ASSERT_EQ(message.channel_position, ++position);
          ASSERT_EQ(decoded.find(to, position), &message);
        }
      }
    }
  }
}

TEST(PeerDedupTest, TakesEachPositionOnceAndInOrder) {
  PeerDedup dedup;
  EXPECT_EQ(dedup.last(PartitionId(1)), 0U);
  EXPECT_FALSE(dedup.advance(PartitionId(1), 2));
  EXPECT_TRUE(dedup.advance(PartitionId(1), 1));
  EXPECT_FALSE(dedup.advance(PartitionId(1), 1));
  EXPECT_TRUE(dedup.advance(PartitionId(1), 2));
  EXPECT_TRUE(dedup.advance(PartitionId(5), 1));
  const std::string bytes = encoded(dedup);
  PeerDedup copy;
  Reader reader(bytes);
  copy.decode(reader);
  ASSERT_TRUE(reader.finished());
  EXPECT_EQ(copy.last(PartitionId(1)), 2U);
  EXPECT_EQ(copy.last(PartitionId(5)), 1U);
  EXPECT_EQ(encoded(copy), bytes);
}

}  // namespace
}  // namespace ingot::partition
