#include "partition/state/finished_stage.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "core/hash.h"
#include "core/random.h"

namespace ingot::partition {
namespace {

TEST(FinishedStageTest, FindsWhatWasAddedAndVisitsInOrder) {
  const std::uint64_t seed = 3;
  Random random(seed);
  FinishedRecords records;
  std::map<std::string, std::string> model;
  std::vector<std::string> order;
  std::vector<FinishedRecord> placed;
  for (int i = 0; i < 3000; ++i) {
    const std::string id = "id-" + std::to_string(i);
    // Some larger than a chunk of 256 KiB.
    const std::size_t bytes = i % 1000 == 999 ? 300'000 : random.below(600);
    const std::string row(bytes, static_cast<char>('a' + i % 26));
    placed.push_back(records.add(hash64(id), id, row));
    model[id] = row;
    order.push_back(id);
  }
  EXPECT_EQ(records.count(), model.size());
  // The views that add() gave are still good.
  for (std::size_t i = 0; i < placed.size(); ++i) {
    ASSERT_EQ(placed[i].id, order[i]);
    ASSERT_EQ(placed[i].row, model[order[i]]);
  }
  for (const auto& [id, row] : model) ASSERT_EQ(records.find(hash64(id), id).row, row);
  EXPECT_TRUE(records.find(hash64("none"), "none").id.empty());
  std::size_t next = 0;
  records.for_each([&](const FinishedRecord& record) {
    ASSERT_EQ(record.id, order[next]);
    ASSERT_EQ(record.row, model[order[next]]);
    ++next;
  });
  EXPECT_EQ(next, order.size());
}

TEST(FinishedStageTest, IdsOfOneHashAreToldApart) {
  FinishedRecords records;
  for (int i = 0; i < 100; ++i) records.add(42, "id" + std::to_string(i), std::to_string(i));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(records.find(42, "id" + std::to_string(i)).row, std::to_string(i));
  }
  EXPECT_TRUE(records.find(42, "id100").id.empty());
  EXPECT_TRUE(records.find(43, "id1").id.empty());
}

TEST(FinishedStageTest, ASealedGenerationIsReadUntilItIsReleased) {
  FinishedStage stage;
  stage.add(1, "old", "1");
  const FinishedRecords& sealed = stage.seal();
  EXPECT_EQ(sealed.count(), 1U);
  EXPECT_EQ(stage.current().count(), 0U);
  stage.add(2, "new", "2");
  EXPECT_EQ(stage.find(1, "old").row, "1");
  EXPECT_EQ(stage.find(2, "new").row, "2");
  EXPECT_EQ(sealed.count(), 1U);
  const std::size_t bytes = stage.memory_bytes();
  const std::unique_ptr<FinishedRecords> released = stage.release();
  EXPECT_EQ(released.get(), &sealed);
  EXPECT_EQ(stage.sealed(), nullptr);
  EXPECT_LT(stage.memory_bytes(), bytes);
  EXPECT_TRUE(stage.find(1, "old").id.empty());
  EXPECT_EQ(stage.find(2, "new").row, "2");
  EXPECT_EQ(stage.seal().count(), 1U);
}

TEST(FinishedStageTest, AnEmptyRowIsARecord) {
  FinishedStage stage;
  stage.add(9, "x", "");
  EXPECT_EQ(stage.find(9, "x").id, "x");
  EXPECT_TRUE(stage.find(9, "x").row.empty());
}

}  // namespace
}  // namespace ingot::partition
