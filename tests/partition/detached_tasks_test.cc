// The table of activities whose execution has ended: what it keeps, and what it tells the next
// checkpoint.

#include "partition/state/detached_tasks.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "core/random.h"
#include "tests/partition/event_bytes.h"

namespace ingot::partition {
namespace {

DetachedTask task_of(const TaskKey& key) {
  return {"order-" + std::to_string(key.sequence.value),
          {key.sequence.value, 1},
          task_action(key.task_id, "input " + std::to_string(key.generation))};
}

// Whatever happens between cuts: a store that is given the changes has what the table has.
TEST(DetachedTasksTest, ItsChangesMakeTheStoreEqualToTheTable) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    DetachedTasks table;
    std::map<TaskKey, DetachedTask> model;
    std::map<TaskKey, DetachedTask> store;
    for (std::uint64_t step = 1; step <= 400; ++step) {
      if (random.one_in(2)) {
        const TaskKey key{SequenceNumber(step), static_cast<std::uint32_t>(random.below(3)),
                          static_cast<std::int32_t>(random.below(70))};
        table.add(key, task_of(key));
        model.emplace(key, task_of(key));
      } else if (!model.empty()) {
        const auto chosen =
            std::next(model.begin(), static_cast<std::ptrdiff_t>(random.below(model.size())));
        const TaskKey key = chosen->first;
        model.erase(chosen);
        table.remove(key);
        table.remove(key);  // a second result
      }
      ASSERT_EQ(table.size(), model.size());
      if (random.one_in(20)) {
        for (const auto& [key, task] : table.take_changes()) {
          if (task == nullptr) {
            ASSERT_EQ(store.erase(key), 1U) << "what came and went is no change";
          } else {
            store.insert_or_assign(key, *task);
          }
        }
        ASSERT_EQ(store, model);
      }
    }
    for (const auto& [key, task] : model) {
      ASSERT_NE(table.find(key), nullptr);
      ASSERT_EQ(*table.find(key), task);
    }
    const std::size_t bytes = table.memory_bytes();
    ASSERT_GE(bytes, model.size() * sizeof(DetachedTask));
    while (!model.empty()) {
      table.remove(model.begin()->first);
      model.erase(model.begin());
    }
    static_cast<void>(table.take_changes());
    EXPECT_EQ(table.memory_bytes(), 0U);
  }
}

TEST(DetachedTasksTest, AnExecutionIsTakenOutWhole) {
  DetachedTasks table;
  for (std::uint32_t sequence = 1; sequence <= 3; ++sequence) {
    for (std::uint32_t generation = 0; generation < 3; ++generation) {
      for (const std::int32_t id : {0, 5, 60}) {
        const TaskKey key{SequenceNumber(sequence), generation, id};
        table.add(key, task_of(key));
      }
    }
  }
  table.remove_execution(SequenceNumber(2), 1);
  table.remove_execution(SequenceNumber(9), 0);
  EXPECT_EQ(table.size(), 24U);
  EXPECT_EQ(table.find({SequenceNumber(2), 1, 5}), nullptr);
  EXPECT_NE(table.find({SequenceNumber(2), 0, 60}), nullptr);
  EXPECT_NE(table.find({SequenceNumber(2), 2, 0}), nullptr);
}

TEST(DetachedTasksTest, ATaskComesBackFromItsBytesAndRubbishDoesNot) {
  const TaskKey key{SequenceNumber(7), 2, 12};
  const DetachedTask task = task_of(key);
  std::string bytes;
  encode_detached_task(task, bytes);
  ASSERT_TRUE(decode_detached_task(bytes, 12).has_value());
  EXPECT_EQ(*decode_detached_task(bytes, 12), task);
  EXPECT_FALSE(decode_detached_task(bytes, 13).has_value());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_detached_task(std::string_view(bytes).substr(0, size), 12).has_value());
  }
  EXPECT_FALSE(decode_detached_task(bytes + "x", 12).has_value());
  const auto with_event = [&](const std::string& event) {
    std::string other;
    encode_detached_task({task.instance_id, task.execution_id, event}, other);
    return decode_detached_task(other, 12).has_value();
  };
  EXPECT_TRUE(with_event(task_action(12)));
  EXPECT_FALSE(with_event(timer_action(12, at_us(1))));
  EXPECT_FALSE(with_event(task_action(12) + task_action(13)));
  const std::uint64_t seed = 3;
  Random random(seed);
  for (int i = 0; i < 2000; ++i) {
    std::string bad = bytes;
    bad[random.below(bad.size())] ^= static_cast<char>(1 + random.below(255));
    const auto decoded = decode_detached_task(bad, 12);
    if (decoded) {
      ASSERT_TRUE(validate_instance_id(decoded->instance_id).ok());
    }
  }
}

}  // namespace
}  // namespace ingot::partition
