// Recovery from checkpoints that are sound for the store, and hold what no partition could have
// written: each is refused by name, and nothing of it ends the process, then or later.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/partition/recovery_fixture.h"

namespace ingot::partition {
namespace {

using storage::EntryTable;

class RecoveryCheckpointTest : public RecoveryFixture {};

// --- checkpoints that can't be -------------------------------------------------------------------

TEST_F(RecoveryCheckpointTest, CheckpointsThatCanNotBeAreRefusedByName) {
  struct Case {
    const char* what;
    std::function<void(StoreContents&)> damage;
    const char* says;
    StatusCode code = StatusCode::corrupt;
  };
  const auto work = [](std::uint64_t sequence) {
    return std::pair(EntryTable::work, encode_work_key(SequenceNumber(sequence)));
  };
  const auto timer = [](std::uint64_t sequence, std::int32_t id) {
    return std::pair(EntryTable::timers,
                     encode_timer_key({at_us(9), SequenceNumber(sequence), id, 0}));
  };
  const auto task = [](std::uint64_t sequence, std::uint32_t generation, std::int32_t id) {
    return std::pair(EntryTable::detached,
                     encode_task_key({SequenceNumber(sequence), generation, id}));
  };
  const auto detached = [](std::int32_t id) {
    std::string bytes;
    encode_detached_task({"three", {1, 2}, task_action(id)}, bytes);
    return bytes;
  };
  const auto entity = [this](const std::function<void(Instance&)>& change) {
    return [this, change](StoreContents& c) { c.rows[kEntity] = changed_row(kEntity, change); };
  };
  const auto tables = [this](const std::function<void(PartitionState&)>& change) {
    return [this, change](StoreContents& c) { c.tables() = changed_tables(change); };
  };
  const std::vector<Case> cases = {
      // The tables.
      {"no tables", [](StoreContents& c) { c.blobs.clear(); }, "no tables"},
      {"empty tables", [](StoreContents& c) { c.tables().clear(); }, "tables"},
      {"tables of another version", [](StoreContents& c) { c.tables()[0] = 2; }, "version 2",
       StatusCode::unsupported},
      {"tables of another partition", [](StoreContents& c) { ++c.tables()[1]; }, "tables"},
      {"tables of a hub of another size", [](StoreContents& c) { ++c.tables()[2]; }, "tables"},
      {"tables that go on", [](StoreContents& c) { c.tables() += 'x'; }, "tables"},
      {"tables of an earlier position", tables([](PartitionState& s) { s.applied = Position(11); }),
       "position 11"},
      {"more instances than facts",
       tables([](PartitionState& s) { s.last_sequence = SequenceNumber(13); }), "13 instances"},
      {"all the numbers given",
       tables([](PartitionState& s) { s.last_sequence = SequenceNumber(UINT64_MAX); }),
       "instances"},
      {"messages to no partition", tables([](PartitionState& s) {
         s.outbox.append(PartitionId(kRecoveredOf), "x", raised_event("e"));
       }),
       "tables"},
      {"a message of noise",
       tables([](PartitionState& s) { s.outbox.append(PartitionId(0), "x", "noise"); }), "tables"},
      {"a message of two events", tables([](PartitionState& s) {
         s.outbox.append(PartitionId(0), "x", raised_event("e") + raised_event("e"));
       }),
       "tables"},
      {"messages from no partition",
       tables([](PartitionState& s) { s.dedup.advance(PartitionId(kRecoveredOf), 1); }), "tables"},
      // The timers.
      {"a timer's key cut off",
       [](StoreContents& c) {
         c.entries[{EntryTable::timers, "short"}] = {};
       },
       "timer"},
      {"a timer of no instance", [&](StoreContents& c) { c.entries[timer(0, 1)] = {}; },
       "timer 1 of instance 0"},
      {"a timer of the future", [&](StoreContents& c) { c.entries[timer(kCreated + 1, 1)] = {}; },
       "timer 1 of instance 7"},
      {"a timer with an impossible id", [&](StoreContents& c) { c.entries[timer(kBusy, -2)] = {}; },
       "timer -2 of instance 1"},
      // Detached tasks.
      {"a task's key cut off",
       [](StoreContents& c) {
         c.entries[{EntryTable::detached, "short"}] = {};
       },
       "task"},
      {"a task of noise", [&](StoreContents& c) { c.entries[task(kEnded, 0, 0)] = "noise"; },
       "detached task of instance 3"},
      {"a task under the id of another",
       [&](StoreContents& c) { c.entries[task(kEnded, 0, 0)] = detached(1); },
       "detached task of instance 3"},
      {"a task of no instance", [&](StoreContents& c) { c.entries[task(0, 0, 0)] = detached(0); },
       "detached task of instance 0"},
      {"a task of the future",
       [&](StoreContents& c) { c.entries[task(kCreated + 1, 0, 0)] = detached(0); },
       "detached task of instance 7"},
      {"a task with an impossible id",
       [&](StoreContents& c) { c.entries[task(kEnded, 0, -2)] = detached(-2); },
       "detached task of instance 3"},
      {"a task with too high an id",
       [&](StoreContents& c) {
         c.entries[task(kEnded, 0, PendingTasks::kIdMax + 1)] = detached(PendingTasks::kIdMax + 1);
       },
       "detached task of instance 3"},
      {"a task that is pending",
       [&](StoreContents& c) { c.entries[task(kBusy, 0, 0)] = detached(0); }, "instance 1"},
      {"a task of an execution that lives",
       [&](StoreContents& c) { c.entries[task(kBusy, 0, 9)] = detached(9); }, "instance 1"},
      {"a task of an execution to come",
       [&](StoreContents& c) { c.entries[task(kFresh, 1, 0)] = detached(0); }, "instance 2"},
      // What is unfinished, and its rows.
      {"a work key cut off",
       [](StoreContents& c) {
         c.entries[{EntryTable::work, "short"}] = {};
       },
       "work"},
      {"work without a row", [](StoreContents& c) { c.rows.erase(kBusy); }, "row 1 is missing"},
      {"work that is none", [&](StoreContents& c) { c.entries[work(kIdle)] = {}; },
       "row 5 is listed"},
      {"work of no instance", [&](StoreContents& c) { c.entries[work(0)] = {}; },
       "row 0 is missing"},
      {"a row of noise", [](StoreContents& c) { c.rows[kBusy] = "noise"; }, "row 1"},
      {"an empty row", [](StoreContents& c) { c.rows[kBusy].clear(); }, "row 1"},
      {"a row of another version", [](StoreContents& c) { c.rows[kBusy][0] = 2; }, "version 2"},
      {"a record where a row should be",
       [](StoreContents& c) { c.rows[kBusy] = c.ids.at("three").record; }, "row 1"},
      {"rows that have changed places",
       [](StoreContents& c) { std::swap(c.rows[kBusy], c.rows[kFresh]); },
       "row 1 holds instance 2"},
      {"a row of the future",
       [&, this](StoreContents& c) {
         c.entries[work(kCreated + 1)] = {};
         c.rows[kCreated + 1] = changed_row(kFresh, [](Instance& instance) {
           instance.id = "seven";
           instance.sequence = SequenceNumber(kCreated + 1);
         });
       },
       "row 7"},
      {"two rows of one id",
       [this](StoreContents& c) {
         c.rows[kFresh] = changed_row(kFresh, [](Instance& instance) { instance.id = "one"; });
       },
       "'one'"},
      {"an entity without an entity's id", entity([](Instance& instance) { instance.id = "four"; }),
       "row 4"},
      {"an orchestration with an entity's id",
       [this](StoreContents& c) {
         c.rows[kFresh] =
             changed_row(kFresh, [](Instance& instance) { instance.id = "@counter@2"; });
       },
       "row 2"},
      {"an entity that is to carry out an event",
       entity([](Instance& instance) { instance.inbox = raised_event("e"); }), "row 4"},
      {"an entity where an event waits", entity([](Instance& instance) {
         instance.entity->waiting = raised_event("e");
         instance.entity->waiting_count = 1;
       }),
       "row 4"},
      {"an entity with an event to come", entity([](Instance& instance) {
         instance.entity->scheduled.add(0, raised_event("e"));
         instance.timers.push_back({0, at_us(kAhead)});
       }),
       "row 4"},
      {"an entity with a signal to come, and no timer", entity([](Instance& instance) {
         const std::string signal =
             entity_message(HistoryEventKind::entity_operation_signaled, "one", {1, 2}, -1);
         instance.entity->scheduled.add(0, signal);
       }),
       "scheduled signals"},
      {"an entity with a timer, and no signal to come", entity([](Instance& instance) {
         instance.timers.push_back({0, at_us(kAhead)});
       }),
       "scheduled signals"},
      {"an entity with a history",
       entity([](Instance& instance) { instance.history = raised_event("e"); }), "row 4"},
      {"locks of what is no entity",
       [this](StoreContents& c) {
         c.rows[kBusy] = changed_row(kBusy, [](Instance& instance) {
           instance.locks = std::make_unique<HeldLocks>();
           instance.locks->entities = {"@a@1", "b"};
         });
       },
       "row 1"},
      {"locks out of order",
       [this](StoreContents& c) {
         c.rows[kBusy] = changed_row(kBusy, [](Instance& instance) {
           instance.locks = std::make_unique<HeldLocks>();
           instance.locks->entities = {"@a@2", "@a@1"};
         });
       },
       "row 1"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    StoreContents damaged = sound_;
    c.damage(damaged);
    const Result<Recovered> recovered = recover(damaged);
    EXPECT_EQ(recovered.status().code(), c.code) << recovered.status().to_string();
    const std::string& message = recovered.status().message();
    EXPECT_TRUE(message.starts_with("/checkpoint: ")) << message;
    EXPECT_NE(message.find(c.says), std::string::npos) << message;
  }
}

// What lies only in the store is looked at when a fact names it.
TEST_F(RecoveryCheckpointTest, RowsThatFactsNameAreCheckedLikeOthers) {
  struct Case {
    const char* what;
    std::function<void(StoreContents&)> damage;
    const char* says;
  };
  const std::vector<Case> cases = {
      {"a row of noise", [](StoreContents& c) { c.rows[kIdle] = "noise"; }, "row 5"},
      {"the row of another", [](StoreContents& c) { c.rows[kIdle] = c.rows[kFresh]; },
       "row 5 holds instance 2"},
      {"an activity of it is detached",
       [](StoreContents& c) {
         std::string bytes;
         encode_detached_task({"five", {1, 2}, task_action(0)}, bytes);
         c.entries[{EntryTable::detached, encode_task_key({SequenceNumber(kIdle), 0, 0})}] = bytes;
       },
       "instance 5"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    StoreContents damaged = sound_;
    c.damage(damaged);
    ASSERT_TRUE(recover(damaged).ok());
    const Result<Recovered> recovered = recover(damaged, {raised(kFresh), raised(kIdle)});
    EXPECT_EQ(recovered.status().code(), StatusCode::corrupt) << recovered.status().to_string();
    const std::string& message = recovered.status().message();
    EXPECT_NE(message.find("position 14"), std::string::npos) << message;
    EXPECT_NE(message.find(c.says), std::string::npos) << message;
  }
  // The row of a number that was never given.
  StoreContents damaged = sound_;
  damaged.rows[kCreated + 1] = changed_row(kIdle, [](Instance& instance) {
    instance.id = "seven";
    instance.sequence = SequenceNumber(kCreated + 1);
  });
  EXPECT_EQ(recover(damaged, {raised(kCreated + 1)}).status().code(), StatusCode::corrupt);
}

TEST_F(RecoveryCheckpointTest, TablesThatAreCutOffAreRefused) {
  for (std::size_t size = 0; size < sound_.tables().size(); ++size) {
    StoreContents damaged = sound_;
    damaged.tables().resize(size);
    PartitionState state(kRecovered, kRecoveredOf);
    ASSERT_EQ(load_checkpoint(*damaged.store(), state).code(), StatusCode::corrupt) << size;
  }
}

}  // namespace
}  // namespace ingot::partition
