#include "partition/state/agenda.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "core/random.h"

namespace ingot::partition {
namespace {

TimerKey key(std::int64_t time, std::uint64_t sequence, std::int32_t id = 0) {
  return {Timestamp(Duration(time)), SequenceNumber(sequence), id, 0};
}

TEST(AgendaTest, OrdersByTimeThenSequenceThenTimer) {
  Agenda agenda;
  const TimerKey expected[] = {key(1, 9, 5), key(2, 1, 7), key(2, 3, -1), key(2, 3, 0), key(7, 1)};
  for (const std::size_t i : {3U, 0U, 4U, 2U, 1U}) agenda.add(expected[i]);
  for (const TimerKey& next : expected) {
    ASSERT_FALSE(agenda.empty());
    EXPECT_EQ(agenda.next(), next);
    agenda.remove(next);
  }
  EXPECT_TRUE(agenda.empty());
}

TEST(AgendaTest, ChangesLeadFromTheLastTakeToNow) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Agenda agenda;
    std::set<TimerKey> model;
    std::set<TimerKey> stored;  // what a checkpoint that took every change would hold
    for (int step = 0; step < 500; ++step) {
      const TimerKey timer = key(static_cast<std::int64_t>(random.below(10)), 1 + random.below(5),
                                 static_cast<std::int32_t>(random.below(3)) - 1);
      if (random.one_in(2)) {
        agenda.add(timer);
        model.insert(timer);
      } else {
        agenda.remove(timer);
        model.erase(timer);
      }
      ASSERT_EQ(agenda.contains(timer), model.contains(timer));
      ASSERT_EQ(agenda.size(), model.size());
      if (!random.one_in(20)) continue;
      for (const TimerChange& change : agenda.take_changes()) {
        // Each change is one: nothing is added twice or removed unknown.
        if (change.added) {
          ASSERT_TRUE(stored.insert(change.key).second);
        } else {
          ASSERT_EQ(stored.erase(change.key), 1U);
        }
      }
      ASSERT_EQ(stored, model);
      ASSERT_EQ(agenda.timers(), model);
      ASSERT_TRUE(agenda.take_changes().empty());
    }
  }
}

TEST(AgendaTest, RestoringIsNoChange) {
  Agenda agenda;
  agenda.restore(key(1, 1));
  agenda.restore(key(2, 1));
  EXPECT_EQ(agenda.size(), 2U);
  EXPECT_TRUE(agenda.take_changes().empty());
  agenda.add(key(2, 1));
  EXPECT_TRUE(agenda.take_changes().empty());
  agenda.remove(key(1, 1));
  EXPECT_EQ(agenda.take_changes().size(), 1U);
}

}  // namespace
}  // namespace ingot::partition
