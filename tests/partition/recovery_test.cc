// Recovery: what it makes of a checkpoint and the facts behind it, and what it answers when facts
// are sound as bytes and say what no partition could have recorded, or something can't be read.

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/partition/recovery_fixture.h"

namespace ingot::partition {
namespace {

class RecoveryTest : public RecoveryFixture {};

TEST_F(RecoveryTest, WhatIsUnfinishedIsThereAndTheRestOnlyWhenItIsNamed) {
  const Result<Recovered> recovered = recover(sound_);
  ASSERT_TRUE(recovered.ok()) << recovered.status().to_string();
  const PartitionState& state = *recovered->state;
  EXPECT_EQ(state.applied, Position(facts_.size()));
  EXPECT_EQ(recovered->figures.facts, 0U);
  for (const std::uint64_t sequence : {kBusy, kFresh, kEntity}) {
    const Instance* instance = state.instances.find(SequenceNumber(sequence));
    ASSERT_NE(instance, nullptr) << sequence;
    EXPECT_TRUE(instance->stored && instance->work_listed) << sequence;
  }
  EXPECT_EQ(state.instances.size(), 3U);
  EXPECT_EQ(state.agenda.size(), 1U);
  EXPECT_EQ(state.detached.size(), 2U);
  const Result<Recovered> named = recover(sound_, {raised(kIdle), put(TimerFired{})});
  EXPECT_EQ(named.status().code(), StatusCode::corrupt);  // of the second one
  const Result<Recovered> idle = recover(sound_, {raised(kIdle)});
  ASSERT_TRUE(idle.ok()) << idle.status().to_string();
  EXPECT_EQ(idle->figures.facts, 1U);
  const Instance* instance = idle->state->instances.find(SequenceNumber(kIdle));
  ASSERT_NE(instance, nullptr);
  EXPECT_EQ(instance->inbox_count, 1U);
  EXPECT_TRUE(instance->stored);
  EXPECT_FALSE(instance->work_listed);  // not in the checkpoint
}

TEST_F(RecoveryTest, AnEmptyStoreIsThatOfANewPartition) {
  std::vector<std::string> facts = facts_;
  use_log(facts);
  const Result<Recovered> recovered =
      case_->recover([]() -> Result<std::unique_ptr<storage::CheckpointStore>> {
        return storage::make_memory_store();
      });
  ASSERT_TRUE(recovered.ok()) << recovered.status().to_string();
  EXPECT_EQ(recovered->figures.facts, facts_.size());
  EXPECT_EQ(recovered->state->last_sequence, SequenceNumber(kCreated));
  // A checkpoint of no fact at all says nothing either.
  StoreContents none = sound_;
  none.position = Position();
  const Result<Recovered> from_none = recover(none);
  ASSERT_TRUE(from_none.ok()) << from_none.status().to_string();
  EXPECT_EQ(from_none->state->snapshot(), recovered->state->snapshot());
}

TEST_F(RecoveryTest, AStoreThatDoesNotOpenIsTheAnswer) {
  use_log(facts_);
  const Result<Recovered> recovered =
      case_->recover([]() -> Result<std::unique_ptr<storage::CheckpointStore>> {
        return Status(StatusCode::busy, "somebody has it");
      });
  EXPECT_EQ(recovered.status().code(), StatusCode::busy);
}

// --- facts that come late -----------------------------------------------------------------------

TEST_F(RecoveryTest, FactsOfWhatIsGoneChangeNothing) {
  for (const std::uint64_t sequence : {kEnded, kPurged}) {
    const std::vector<std::vector<std::string>> tails = {
        {raised(sequence)},
        {put(TimerFired{SequenceNumber(sequence), 0, 1})},
        {completed(sequence, 7)},
    };
    for (const auto& tail : tails) {
      const Result<Recovered> recovered = recover(sound_, tail);
      ASSERT_TRUE(recovered.ok()) << recovered.status().to_string();
      EXPECT_EQ(recovered->state->instances.find(SequenceNumber(sequence)), nullptr);
      EXPECT_EQ(recovered->state->detached.size(), 2U);
    }
  }
  const Result<Recovered> answered = recover(sound_, {completed(kEnded, 0)});
  ASSERT_TRUE(answered.ok());
  EXPECT_EQ(answered->state->detached.size(), 1U);
}

// The store still has the row of what has ended, or was replaced, since the checkpoint.
TEST_F(RecoveryTest, ARowThatIsOutOfDateIsNotTaken) {
  const std::string end = stepped(kIdle, complete_action(0), 1);
  const std::string start = started_event("five");
  const std::string again = put(InstanceCreated{0, RuntimeStatus::completed, {}, start});
  const Result<Recovered> ended = recover(sound_, {raised(kIdle), end, raised(kIdle)});
  ASSERT_TRUE(ended.ok()) << ended.status().to_string();
  EXPECT_EQ(ended->state->instances.find(SequenceNumber(kIdle)), nullptr);
  const Result<Recovered> purged = recover(
      sound_, {raised(kIdle), end, put(InstancePurged{0, "five", RuntimeStatus::completed, {}}),
               raised(kIdle)});
  ASSERT_TRUE(purged.ok()) << purged.status().to_string();
  EXPECT_EQ(purged->state->instances.find(SequenceNumber(kIdle)), nullptr);
  const Result<Recovered> replaced = recover(sound_, {raised(kIdle), end, again, raised(kIdle)});
  ASSERT_TRUE(replaced.ok()) << replaced.status().to_string();
  EXPECT_EQ(replaced->state->instances.find(SequenceNumber(kIdle)), nullptr);
  EXPECT_NE(replaced->state->instances.find(SequenceNumber(kCreated + 1)), nullptr);
  // The same when the checkpoint holds no more of it than the row, and the new one is alive.
  const std::string in_place =
      put(InstanceCreated{0, RuntimeStatus::running, SequenceNumber(kIdle), start});
  const Result<Recovered> taken_over = recover(sound_, {in_place, raised(kIdle)});
  ASSERT_TRUE(taken_over.ok()) << taken_over.status().to_string();
  EXPECT_EQ(taken_over->state->instances.find(SequenceNumber(kIdle)), nullptr);
}

TEST_F(RecoveryTest, ARowThatAnotherHasReplacedIsNotTaken) {
  // No fact of the tail says that it ended: its id is in use.
  const Result<Recovered> recovered = recover(sound_, {created("five"), raised(kIdle)});
  ASSERT_TRUE(recovered.ok()) << recovered.status().to_string();
  EXPECT_EQ(recovered->state->instances.find(SequenceNumber(kIdle)), nullptr);
}

// --- facts that can't be -------------------------------------------------------------------------

TEST_F(RecoveryTest, FactsThatCanNotBeAreRefusedByPosition) {
  struct Case {
    const char* what;
    std::string fact;
    const char* says;
  };
  const std::string garbage = "\x05garbage";
  const std::string start = started_event("new");
  const std::string event = raised_event("e");
  const std::string twice = event + event;
  const std::string wrong = task_completed_event(0);
  std::string old_row = changed_row(kIdle, [](Instance&) {});
  std::string new_row = changed_row(kFresh, [](Instance& instance) {
    instance.id = "rewound";
    instance.sequence = SequenceNumber(kCreated + 1);
  });
  const std::vector<Case> cases = {
      {"no kind", std::string(3, '\0'), "fact kind 0"},
      {"an unknown kind", "\x63what", "fact kind 99"},
      {"cut off", created("x").substr(0, 4), "InstanceCreated"},
      {"too long", created("x") + "x", "InstanceCreated"},
      {"an event of noise", put(MessageDelivered{SequenceNumber(kBusy), 0, garbage}), "event"},
      {"two events", put(MessageDelivered{SequenceNumber(kBusy), 0, twice}), "event"},
      {"a message of the wrong kind", put(MessageDelivered{SequenceNumber(kBusy), 0, wrong}),
       "TaskCompleted"},
      {"an instance of the future", raised(kCreated + 1), "instance 7"},
      {"an instance without a number", raised(0), "instance 0"},
      {"the last number there is", raised(UINT64_MAX), "never created"},
      {"a start that is none", put(InstanceCreated{0, std::nullopt, {}, event}), "start"},
      {"the start of what lives", created("two"), "'two' is created twice"},
      {"a replacement of the wrong one",
       put(InstanceCreated{0, RuntimeStatus::running, SequenceNumber(kBusy), start}), "start"},
      {"a replacement of what has ended",
       put(InstanceCreated{0, RuntimeStatus::running, SequenceNumber(kEnded), start}), "start"},
      {"a replacement of a failure that never was",
       put(InstanceCreated{0, RuntimeStatus::failed, {}, start}), "start"},
      {"a step of what has ended", stepped(kEnded, {}, 0), "not alive"},
      {"a step of an entity", stepped(kEntity, {}, 0), "not alive"},
      {"a step that takes too much", stepped(kIdle, {}, 1), "more than the inbox has"},
      {"a first step that takes nothing", stepped(kFresh, {}, 0), "does not take the start"},
      {"an action of noise", stepped(kFresh, garbage), "action can't be decoded"},
      {"an action that is waited for", stepped(kBusy, task_action(0), 0), "still waited for"},
      {"a batch of an orchestration",
       put(EntityStepCompleted{SequenceNumber(kBusy), 0, {}, {}, {}}), "no such entity"},
      {"a batch that takes too much",
       put(EntityStepCompleted{SequenceNumber(kEntity), 2, {}, {}, {}}), "not so many"},
      {"a result of the wrong kind", put(ActivityCompleted{SequenceNumber(kBusy), 0, event}),
       "EventRaised"},
      {"a message out of order",
       put(PeerMessageReceived{PartitionId(0), 2, {}, std::nullopt, event}), "not the next"},
      {"a message from nowhere",
       put(PeerMessageReceived{PartitionId(kRecoveredOf), 1, {}, std::nullopt, event}),
       "does not exist"},
      {"a confirmation of what was never sent", put(OutboxConfirmed{PartitionId(0), 1000}),
       "never sent"},
      {"an entity that lives", put(EntityCreated{"@counter@1"}), "created twice"},
      {"an entity without an entity's id", put(EntityCreated{"x"}), "no proper id"},
      {"a purge of what lives", put(InstancePurged{0, "two", RuntimeStatus::completed, {}}),
       "not finished"},
      {"a purge of a busy entity",
       put(InstancePurged{0, "@counter@1", RuntimeStatus::completed, SequenceNumber(kEntity)}),
       "not empty"},
      {"a rewind to noise", put(InstanceRewound{0, SequenceNumber(kEnded), garbage}), "row"},
      {"a rewind of what lives", put(InstanceRewound{0, SequenceNumber(kEnded), old_row}),
       "has not failed"},
      {"a rewind of no failure", put(InstanceRewound{0, SequenceNumber(kEnded), new_row}),
       "has not failed"},
      {"an answer that is none", put(ChildAnswered{PartitionId(0), 1, "parent", event}),
       "ChildAnswered"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    // Not the first one behind the checkpoint, and in the middle of a frame.
    const Result<Recovered> recovered =
        recover(sound_, {raised(kBusy), c.fact, raised(kFresh), raised(kIdle)});
    ASSERT_EQ(recovered.status().code(), StatusCode::corrupt) << recovered.status().to_string();
    const std::string& message = recovered.status().message();
    EXPECT_NE(message.find(c.says), std::string::npos) << message;
    EXPECT_NE(message.find("/log"), std::string::npos) << message;
    EXPECT_NE(message.find("position " + std::to_string(facts_.size() + 2)), std::string::npos)
        << message;
  }
}

// --- the log and the checkpoint do not belong together -------------------------------------------

TEST_F(RecoveryTest, ACheckpointBeyondTheEndOfTheLogIsRefused) {
  StoreContents later = sound_;
  later.position = Position(facts_.size() + 1);
  later.tables() = changed_tables([&](PartitionState& s) { s.applied = later.position; });
  const Result<Recovered> beyond = recover(later);
  EXPECT_EQ(beyond.status().code(), StatusCode::corrupt);
  EXPECT_NE(beyond.status().message().find("/log"), std::string::npos);
  EXPECT_NE(beyond.status().message().find("position 13"), std::string::npos)
      << beyond.status().message();
  EXPECT_TRUE(recover(later, {raised(kBusy)}).ok());
  later.position = Position(UINT64_MAX);
  later.tables() = changed_tables([&](PartitionState& s) { s.applied = later.position; });
  EXPECT_EQ(recover(later).status().code(), StatusCode::corrupt);
}

TEST_F(RecoveryTest, AGapBetweenTheCheckpointAndTheLogIsRefused) {
  const std::string large = raised_event("e", std::string(60'000, 'x'));
  std::vector<std::string> tail(20, put(MessageDelivered{SequenceNumber(kBusy), 0, large}));
  ASSERT_TRUE(recover(sound_, tail).ok());
  std::vector<std::string> segments;
  for (const std::string& path : case_->disk().paths()) {
    if (path.ends_with(".log")) segments.push_back(path);
  }
  ASSERT_GT(segments.size(), 2U);
  case_->disk().remove_file(segments.front());
  const Result<Recovered> recovered = case_->recover(sound_);
  EXPECT_EQ(recovered.status().code(), StatusCode::corrupt);
  EXPECT_NE(recovered.status().message().find("the checkpoint ends at 12"), std::string::npos)
      << recovered.status().message();
}

// --- a store whose reads fail
// ----------------------------------------------------------------------

TEST_F(RecoveryTest, EveryReadOfTheStoreThatFailsIsTheAnswer) {
  // Each of the unfinished is read at the loading; the idle one because a fact names it.
  std::vector<std::string> facts = facts_;
  facts.push_back(raised(kIdle));
  facts.push_back(completed(kEnded, 0));
  use_log(facts);
  const std::unique_ptr<storage::CheckpointStore> kept = sound_.store();
  bool in_a_row = false;
  const auto recover_failing = [&](std::uint64_t& reads, std::uint64_t nth, StatusCode code) {
    return case_->recover([&, nth, code]() -> Result<std::unique_ptr<storage::CheckpointStore>> {
      return std::unique_ptr<storage::CheckpointStore>(
          std::make_unique<FailingStore>(*kept, reads, nth, code, in_a_row));
    });
  };
  std::uint64_t all = 0;
  ASSERT_TRUE(recover_failing(all, 0, StatusCode::ok).ok());
  ASSERT_GT(all, 10U);
  for (std::uint64_t nth = 1; nth <= all; ++nth) {
    for (int code = 1; code <= static_cast<int>(StatusCode::internal); ++code) {
      const auto wanted = static_cast<StatusCode>(code);
      SCOPED_TRACE("read " + std::to_string(nth) + ", " + std::string(to_string(wanted)));
      std::uint64_t reads = 0;
      const Result<Recovered> recovered = recover_failing(reads, nth, wanted);
      if (wanted == StatusCode::not_found && std::exchange(in_a_row, false)) {
        // Of a row it says that the instance has ended, or that the checkpoint is damaged.
        if (recovered.ok()) continue;
        EXPECT_TRUE(recovered.status().code() == StatusCode::not_found ||
                    recovered.status().code() == StatusCode::corrupt);
        continue;
      }
      ASSERT_EQ(recovered.status().code(), wanted) << recovered.status().to_string();
      const std::string& message = recovered.status().message();
      EXPECT_NE(message.find("was made to fail"), std::string::npos) << message;
      EXPECT_TRUE(message.starts_with("/checkpoint: ") || message.starts_with("/log, position "))
          << message;
      EXPECT_EQ(reads, nth);  // nothing is read after a failure
    }
  }
}

TEST_F(RecoveryTest, EveryCallOfTheDiskThatFailsIsTheAnswer) {
  std::string expected;
  {
    const Result<Recovered> undisturbed = recover(sound_, {raised(kIdle), completed(kBusy, 0)});
    ASSERT_TRUE(undisturbed.ok()) << undisturbed.status().to_string();
    expected = undisturbed->state->snapshot();
  }
  std::uint64_t failed = 0;
  for (std::uint64_t nth = 1; nth <= 60; ++nth) {
    SCOPED_TRACE("operation " + std::to_string(nth));
    const Result<Recovered> recovered = case_->recover(sound_, nth);
    if (recovered.ok()) {  // what fails is made ready for later, or was not called at all
      EXPECT_EQ(recovered->state->snapshot(), expected);
      continue;
    }
    ++failed;
    EXPECT_EQ(recovered.status().code(), StatusCode::io_error) << recovered.status().to_string();
    EXPECT_NE(recovered.status().message().find("/log"), std::string::npos)
        << recovered.status().to_string();
  }
  EXPECT_GT(failed, 3U);
}

}  // namespace
}  // namespace ingot::partition
