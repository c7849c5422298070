#include "partition/state/pending_tasks.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "core/random.h"

namespace ingot::partition {
namespace {

std::vector<std::int32_t> ids_of(const PendingTasks& tasks) {
  std::vector<std::int32_t> ids;
  tasks.for_each([&](std::int32_t id) { ids.push_back(id); });
  return ids;
}

std::vector<std::int32_t> ids_of(const std::set<std::int32_t>& tasks) {
  return {tasks.begin(), tasks.end()};
}

std::string encoded(const PendingTasks& tasks) {
  std::string bytes;
  tasks.encode(bytes);
  return bytes;
}

TEST(PendingTasksTest, BehavesAsASet) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const std::uint64_t gap = 1 + random.below(seed % 2 == 0 ? 3 : 70);
    PendingTasks tasks;
    std::set<std::int32_t> model;
    std::int32_t next = 0;
    for (int step = 0; step < 600; ++step) {
      if (random.one_in(20) && next > 0) {
        // A retry with the id of what failed.
        const auto id = static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(next)));
        if (model.insert(id).second) tasks.add(id);
      } else if (random.below(10) < 5) {
        next += static_cast<std::int32_t>(random.below(gap));
        tasks.add(next);
        model.insert(next++);
      } else {
        const auto id =
            static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(next) + 9));
        ASSERT_EQ(tasks.contains(id), model.contains(id)) << id;
        ASSERT_EQ(tasks.remove(id), model.erase(id) != 0) << id;
      }
      if (random.one_in(50)) {
        // All end: the window moves on.
        for (const std::int32_t id : std::set<std::int32_t>(model)) ASSERT_TRUE(tasks.remove(id));
        model.clear();
      }
      ASSERT_EQ(tasks.count(), model.size());
      ASSERT_EQ(tasks.empty(), model.empty());
      if (step % 20 == 0) {
        ASSERT_EQ(ids_of(tasks), ids_of(model));
        PendingTasks copy;
        copy.add(5);  // what was there before is forgotten
        const std::string bytes = encoded(tasks);
        Reader reader(bytes);
        copy.decode(reader);
        ASSERT_TRUE(reader.finished());
        ASSERT_EQ(ids_of(copy), ids_of(model));
        ASSERT_EQ(encoded(copy), bytes);
      }
    }
  }
}

TEST(PendingTasksTest, UnknownIdsAreNotPending) {
  PendingTasks tasks;
  EXPECT_FALSE(tasks.contains(-1));
  EXPECT_FALSE(tasks.remove(0));
  tasks.add(70);
  EXPECT_FALSE(tasks.contains(69));
  EXPECT_FALSE(tasks.contains(-1));
  EXPECT_FALSE(tasks.contains(INT32_MAX));
  EXPECT_TRUE(tasks.remove(70));
  EXPECT_TRUE(tasks.empty());
}

TEST(PendingTasksTest, AChainNeedsNoHeap) {
  PendingTasks tasks;
  for (std::int32_t id = 0; id < 10'000; ++id) {
    tasks.add(id);
    ASSERT_TRUE(tasks.remove(id));
  }
  EXPECT_EQ(tasks.heap_bytes(), 0U);
}

TEST(PendingTasksTest, HostileBytesGiveASetOrAFailure) {
  PendingTasks tasks;
  for (const std::int32_t id : {0, 1, 63, 64, 200, 30'000, 2'000'000}) tasks.add(id);
  const std::string good = encoded(tasks);
  for (std::size_t size = 0; size < good.size(); ++size) {
    PendingTasks cut;
    Reader reader(std::string_view(good).substr(0, size));
    cut.decode(reader);
    EXPECT_FALSE(reader.ok()) << size;
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[at] ^= static_cast<char>(1 << bit);
      PendingTasks decoded;
      Reader reader(bad);
      decoded.decode(reader);
      if (!reader.ok()) continue;
      const std::vector<std::int32_t> ids = ids_of(decoded);
      ASSERT_EQ(ids.size(), decoded.count());
      for (std::size_t i = 0; i < ids.size(); ++i) {
        ASSERT_GE(ids[i], i == 0 ? 0 : ids[i - 1] + 1);
        ASSERT_LE(ids[i], PendingTasks::kIdMax);
      }
    }
  }
}

}  // namespace
}  // namespace ingot::partition
