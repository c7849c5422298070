// What each fact does to the state, and what is refused as corrupt.

#include "partition/apply/apply.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/hash.h"
#include "partition/state/row.h"
#include "tests/partition/event_bytes.h"

namespace ingot::partition {
namespace {

constexpr SequenceNumber kFirst(1);

// A partition (1 of 3) and the effects of the last fact.
class ApplyTest : public testing::Test {
 protected:
  Status apply_at(std::int64_t microseconds, const FactBody& body) {
    effects_.clear();
    return apply(state_, state_.applied.plus(1), Fact{at_us(microseconds), body}, effects_);
  }
  Status apply_now(const FactBody& body) { return apply_at(++now_, body); }

  Status create(std::string_view id) {
    const std::string event = started_event(id);
    return apply_now(InstanceCreated{1, std::nullopt, {}, event});
  }
  Status deliver(const std::string& event, SequenceNumber sequence = kFirst) {
    return apply_now(MessageDelivered{sequence, 1, event});
  }
  Status complete_activity(std::int32_t task, std::uint32_t generation = 0) {
    const std::string event = task_completed_event(task);
    return apply_now(ActivityCompleted{kFirst, generation, event});
  }
  // A step that consumes the whole inbox.
  Status step(const std::string& actions, SequenceNumber sequence = kFirst) {
    const Instance* found = state_.instances.find(sequence);
    StepCompleted body;
    body.sequence = sequence;
    body.consumed = found == nullptr ? 0 : found->inbox_count;
    body.actions = actions;
    return apply_now(body);
  }
  // The first instance exists and has taken a step with these actions.
  void running(const std::string& actions) {
    ASSERT_TRUE(create("first").ok());
    const Status stepped = step(actions);
    ASSERT_TRUE(stepped.ok()) << stepped.to_string();
  }

  const Instance& instance(SequenceNumber sequence = kFirst) {
    const Instance* found = state_.instances.find(sequence);
    EXPECT_NE(found, nullptr);
    return *found;
  }
  std::vector<HistoryEvent> history() { return *decode_history(instance().history); }
  std::vector<HistoryEvent> inbox() { return *decode_history(instance().inbox); }
  template <typename E>
  int count() const {
    int found = 0;
    for (const Effect& effect : effects_) found += std::holds_alternative<E>(effect) ? 1 : 0;
    return found;
  }
  template <typename E>
  const E& effect() const {
    for (const Effect& effect : effects_) {
      if (const E* found = std::get_if<E>(&effect)) return *found;
    }
    static const E none{};
    ADD_FAILURE() << "no such effect";
    return none;
  }
  // Refused as corrupt. The state may not be used after that, so each check is a test's last act.
  static void expect_corrupt(const Status& status) {
    EXPECT_EQ(status.code(), StatusCode::corrupt) << status.to_string();
  }

  PartitionState state_{PartitionId(1), 3};
  Effects effects_;
  std::int64_t now_ = 1000;
};

// --- InstanceCreated ---------------------------------------------------------------------------

TEST_F(ApplyTest, ACreatedInstanceIsPendingAndHasAStep) {
  ASSERT_TRUE(create("first").ok());
  EXPECT_EQ(instance().id, "first");
  EXPECT_EQ(instance().status, RuntimeStatus::pending);
  EXPECT_EQ(instance().created_at, at_us(now_));
  EXPECT_EQ(instance().execution_id, (ExecutionId{1, 2}));
  EXPECT_EQ(instance().inbox_count, 1U);
  EXPECT_EQ(inbox()[0].kind, HistoryEventKind::execution_started);
  EXPECT_EQ(effect<StepReady>().sequence, kFirst);
  EXPECT_EQ(effects_.size(), 1U);
  EXPECT_EQ(state_.counters.created, 1U);
  EXPECT_EQ(state_.applied, Position(1));
  ASSERT_TRUE(create("second").ok());
  EXPECT_EQ(state_.last_sequence, SequenceNumber(2));
}

TEST_F(ApplyTest, AnIdIsCreatedOnce) {
  ASSERT_TRUE(create("first").ok());
  expect_corrupt(create("first"));
}

TEST_F(ApplyTest, ACreationNeedsAStartEvent) {
  expect_corrupt(apply_now(InstanceCreated{1, std::nullopt, {}, "rubbish"}));
}
TEST_F(ApplyTest, ACreationNeedsAStartEventAndNoOther) {
  const std::string event = raised_event("e");
  expect_corrupt(apply_now(InstanceCreated{1, std::nullopt, {}, event}));
}
TEST_F(ApplyTest, ACreationNeedsOneEvent) {
  const std::string event = started_event("a") + started_event("a");
  expect_corrupt(apply_now(InstanceCreated{1, std::nullopt, {}, event}));
}
TEST_F(ApplyTest, ACreationNeedsAValidId) { expect_corrupt(create("line\nbreak")); }

TEST_F(ApplyTest, AScheduledStartWaitsForItsTimer) {
  const std::string event = scheduled_started_event("first", at_us(5000));
  ASSERT_TRUE(apply_at(1000, InstanceCreated{1, std::nullopt, {}, event}).ok());
  EXPECT_TRUE(effects_.empty());
  EXPECT_TRUE(instance().start_scheduled);
  EXPECT_FALSE(instance().has_outstanding_work());
  ASSERT_EQ(state_.agenda.size(), 1U);
  EXPECT_EQ(state_.agenda.next().fire_at, at_us(5000));
  // Messages are kept, but no step runs.
  ASSERT_TRUE(deliver(raised_event("early")).ok());
  EXPECT_TRUE(effects_.empty());
  ASSERT_TRUE(apply_at(5000, TimerFired{kFirst, 0, kScheduledStartTimer}).ok());
  EXPECT_EQ(count<StepReady>(), 1);
  EXPECT_FALSE(instance().start_scheduled);
  EXPECT_TRUE(state_.agenda.empty());
  EXPECT_TRUE(instance().timers.empty());
  EXPECT_EQ(instance().inbox_count, 2U);
}

TEST_F(ApplyTest, AScheduledStartInThePastIsNone) {
  const std::string event = scheduled_started_event("first", at_us(500));
  ASSERT_TRUE(apply_at(1000, InstanceCreated{1, std::nullopt, {}, event}).ok());
  EXPECT_EQ(count<StepReady>(), 1);
  EXPECT_TRUE(state_.agenda.empty());
}

TEST_F(ApplyTest, ATerminationBeforeAScheduledStartIsTheEnd) {
  const std::string event = scheduled_started_event("first", at_us(500'000));
  ASSERT_TRUE(apply_at(1000, InstanceCreated{1, std::nullopt, {}, event}).ok());
  ASSERT_TRUE(deliver(terminated_event()).ok());
  EXPECT_EQ(count<StepReady>(), 0);
  EXPECT_EQ(count<InstanceFinished>(), 1);
  EXPECT_EQ(state_.instances.find(kFirst), nullptr);
  EXPECT_TRUE(state_.agenda.empty());
  // The timer that was taken back fires for nothing.
  ASSERT_TRUE(apply_now(TimerFired{kFirst, 0, kScheduledStartTimer}).ok());
  EXPECT_TRUE(effects_.empty());
}

// --- MessageDelivered --------------------------------------------------------------------------

TEST_F(ApplyTest, MessagesAreKeptInOrder) {
  ASSERT_TRUE(create("first").ok());
  ASSERT_TRUE(deliver(raised_event("a")).ok());
  ASSERT_TRUE(deliver(raised_event("b")).ok());
  EXPECT_EQ(count<StepReady>(), 1);
  ASSERT_EQ(inbox().size(), 3U);
  EXPECT_EQ(inbox()[1].name, "a");
  EXPECT_EQ(inbox()[2].name, "b");
}

TEST_F(ApplyTest, AMessageForOneThatEndedChangesNothing) {
  running(complete_action(0));
  ASSERT_EQ(state_.instances.size(), 0U);
  ASSERT_TRUE(deliver(raised_event("late")).ok());
  EXPECT_TRUE(effects_.empty());
}

TEST_F(ApplyTest, AMessageForOneThatNeverWasIsCorrupt) {
  expect_corrupt(deliver(raised_event("e")));
}
TEST_F(ApplyTest, AMessageForNumberZeroIsCorrupt) {
  ASSERT_TRUE(create("first").ok());
  expect_corrupt(deliver(raised_event("e"), SequenceNumber(0)));
}
TEST_F(ApplyTest, OnlyMessagesOfClientsAreDelivered) {
  ASSERT_TRUE(create("first").ok());
  expect_corrupt(deliver(task_completed_event(0)));
}

// --- ActivityCompleted -------------------------------------------------------------------------

TEST_F(ApplyTest, AResultGoesToTheInboxOnce) {
  running(task_action(0) + task_action(1));
  EXPECT_TRUE(instance().has_outstanding_work());
  ASSERT_TRUE(complete_activity(1).ok());
  EXPECT_EQ(count<StepReady>(), 1);
  EXPECT_EQ(instance().inbox_count, 1U);
  EXPECT_FALSE(instance().tasks.contains(1));
  EXPECT_TRUE(instance().tasks.contains(0));
  // Again, of a task that never was, and of another execution: ignored.
  const std::string before = instance().inbox;
  ASSERT_TRUE(complete_activity(1).ok());
  EXPECT_TRUE(effects_.empty());
  ASSERT_TRUE(complete_activity(7).ok());
  EXPECT_TRUE(effects_.empty());
  ASSERT_TRUE(complete_activity(0, 1).ok());
  EXPECT_TRUE(effects_.empty());
  EXPECT_EQ(instance().inbox, before);
  EXPECT_TRUE(instance().tasks.contains(0));
}

TEST_F(ApplyTest, AResultForOneThatEndedChangesNothing) {
  running(task_action(0) + complete_action(1));
  ASSERT_TRUE(complete_activity(0).ok());
  EXPECT_TRUE(effects_.empty());
}

TEST_F(ApplyTest, WhatIsPendingAtTheEndIsDetachedUntilItsResult) {
  running(task_action(0, "a") + task_action(1, "b"));
  ASSERT_TRUE(complete_activity(0).ok());
  ASSERT_TRUE(step(task_action(2, "c") + complete_action(3)).ok());
  EXPECT_EQ(state_.instances.find(kFirst), nullptr);
  EXPECT_EQ(count<ActivityScheduled>(), 1);
  ASSERT_EQ(state_.detached.size(), 2U);
  const DetachedTask* task = state_.detached.find({kFirst, 0, 2});
  ASSERT_NE(task, nullptr);
  EXPECT_EQ(task->instance_id, "first");
  EXPECT_EQ(decode_history(task->scheduled)->front().data, "c");
  ASSERT_TRUE(complete_activity(2).ok());
  EXPECT_TRUE(effects_.empty());
  ASSERT_TRUE(complete_activity(2).ok());  // a second result
  ASSERT_TRUE(complete_activity(0).ok());
  EXPECT_EQ(state_.detached.size(), 1U);
  ASSERT_TRUE(complete_activity(1).ok());
  EXPECT_TRUE(state_.detached.empty());
}

TEST_F(ApplyTest, ANewExecutionDoesNotHearOfTheTasksOfTheOldOne) {
  running(task_action(0, "old"));
  StepCompleted body;
  body.sequence = kFirst;
  const std::string go = raised_event("go");
  ASSERT_TRUE(deliver(go).ok());
  body.consumed = 1;
  const std::string actions = task_action(1, "last") + continue_action(2);
  body.actions = actions;
  body.next_execution_id = {7, 7};
  ASSERT_TRUE(apply_now(body).ok());
  ASSERT_EQ(state_.detached.size(), 2U);
  body = {};
  body.sequence = kFirst;
  body.generation = 1;
  body.consumed = instance().inbox_count;
  const std::string next = task_action(0, "new");
  body.actions = next;
  ASSERT_TRUE(apply_now(body).ok());
  ASSERT_TRUE(complete_activity(0, 0).ok());
  EXPECT_EQ(instance().inbox_count, 0U);
  EXPECT_TRUE(instance().tasks.contains(0));
  EXPECT_EQ(state_.detached.size(), 1U);
  ASSERT_TRUE(complete_activity(0, 1).ok());
  EXPECT_EQ(instance().inbox_count, 1U);
  EXPECT_NE(state_.detached.find({kFirst, 0, 1}), nullptr);
}

TEST_F(ApplyTest, ANewExecutionTakesWhatTheOldOneHasNotConsumed) {
  running(timer_action(0, at_us(5000)));
  for (const char* name : {"consumed", "kept", "too"}) {
    ASSERT_TRUE(deliver(raised_event(name)).ok());
  }
  StepCompleted body;
  body.sequence = kFirst;
  body.consumed = 1;
  const std::string carried = raised_event("carried");
  body.carry_over = carried;
  const std::string actions = timer_action(1, at_us(6000)) + continue_action(2);
  body.actions = actions;
  body.next_execution_id = {7, 7};
  ASSERT_TRUE(apply_now(body).ok());
  std::vector<std::string> names;
  for (const HistoryEvent& event : inbox()) names.push_back(event.name);
  EXPECT_EQ(names, (std::vector<std::string>{"hello", "carried", "kept", "too"}));
  EXPECT_EQ(instance().inbox_count, 4U);
  // The timers go with the execution that made them.
  EXPECT_TRUE(state_.agenda.empty());
  EXPECT_TRUE(instance().timers.empty());
}

TEST_F(ApplyTest, AResultIsATaskEvent) {
  running(task_action(0));
  const std::string event = raised_event("e");
  expect_corrupt(apply_now(ActivityCompleted{kFirst, 0, event}));
}

// --- TimerFired --------------------------------------------------------------------------------

TEST_F(ApplyTest, ATimerFiresOnce) {
  running(timer_action(0, at_us(5000)));
  ASSERT_EQ(state_.agenda.size(), 1U);
  ASSERT_TRUE(apply_at(6000, TimerFired{kFirst, 0, 0}).ok());
  EXPECT_EQ(count<StepReady>(), 1);
  EXPECT_TRUE(state_.agenda.empty());
  ASSERT_EQ(inbox().size(), 1U);
  EXPECT_EQ(inbox()[0].kind, HistoryEventKind::timer_fired);
  EXPECT_EQ(inbox()[0].scheduled_id, 0);
  EXPECT_EQ(inbox()[0].fire_at, at_us(5000));
  EXPECT_EQ(inbox()[0].timestamp, at_us(6000));
  ASSERT_TRUE(apply_at(6001, TimerFired{kFirst, 0, 0}).ok());
  EXPECT_TRUE(effects_.empty());
  EXPECT_EQ(instance().inbox_count, 1U);
}

TEST_F(ApplyTest, ATimerOfAnotherExecutionDoesNothing) {
  running(timer_action(0, at_us(5000)));
  ASSERT_TRUE(apply_at(6000, TimerFired{kFirst, 1, 0}).ok());
  EXPECT_TRUE(effects_.empty());
  EXPECT_EQ(state_.agenda.size(), 1U);
}

TEST_F(ApplyTest, ATimeBefore1970IsDueAtOnce) {
  running(timer_action(0, at_us(-12345)));
  EXPECT_EQ(state_.agenda.next().fire_at, at_us(0));
}

// --- StepCompleted -----------------------------------------------------------------------------

TEST_F(ApplyTest, AStepMovesMessagesToTheHistoryAndAppendsItsActions) {
  running(task_action(0, "Tokyo") + timer_action(1, at_us(5000)) + task_action(2));
  const std::vector<HistoryEvent> events = history();
  ASSERT_EQ(events.size(), 5U);
  EXPECT_EQ(events[0].kind, HistoryEventKind::orchestrator_started);
  EXPECT_EQ(events[1].kind, HistoryEventKind::execution_started);
  EXPECT_EQ(events[2].kind, HistoryEventKind::task_scheduled);
  EXPECT_EQ(events[3].kind, HistoryEventKind::timer_created);
  EXPECT_EQ(state_.counters.history_events, 5U);
  EXPECT_EQ(instance().status, RuntimeStatus::running);
  EXPECT_EQ(instance().updated_at, at_us(now_));
  EXPECT_EQ(instance().inbox_count, 0U);
  EXPECT_TRUE(instance().inbox.empty());
  EXPECT_EQ(instance().next_action_id, 3);
  EXPECT_EQ(count<InstanceStarted>(), 1);
  EXPECT_EQ(count<ActivityScheduled>(), 2);
  EXPECT_EQ(count<StepReady>(), 0);
  // The effect says where the event lies.
  const ActivityScheduled& scheduled = effect<ActivityScheduled>();
  Reader reader(std::string_view(instance().history).substr(scheduled.history_offset));
  const HistoryEventView event = decode_event(reader);
  EXPECT_EQ(event.event_id, scheduled.task_id);
  EXPECT_EQ(event.data, "Tokyo");
}

TEST_F(ApplyTest, MessagesThatWereNotConsumedCauseTheNextStep) {
  ASSERT_TRUE(create("first").ok());
  ASSERT_TRUE(deliver(raised_event("a")).ok());
  ASSERT_TRUE(deliver(raised_event("b")).ok());
  StepCompleted body;
  body.sequence = kFirst;
  body.consumed = 2;
  ASSERT_TRUE(apply_now(body).ok());
  EXPECT_EQ(count<StepReady>(), 1);
  ASSERT_EQ(inbox().size(), 1U);
  EXPECT_EQ(inbox()[0].name, "b");
  EXPECT_EQ(history().size(), 3U);
  ASSERT_TRUE(step("").ok());
  EXPECT_EQ(count<InstanceStarted>(), 0);
  EXPECT_EQ(history().size(), 5U);
}

TEST_F(ApplyTest, ACustomStatusStaysUntilTheNextOne) {
  ASSERT_TRUE(create("first").ok());
  StepCompleted body;
  body.sequence = kFirst;
  body.consumed = 1;
  body.has_custom_status = true;
  body.custom_status = "half";
  ASSERT_TRUE(apply_now(body).ok());
  ASSERT_NE(instance().custom_status, nullptr);
  ASSERT_TRUE(step("").ok());
  EXPECT_EQ(*instance().custom_status, "half");
  body.consumed = 0;
  body.custom_status = "";
  ASSERT_TRUE(apply_now(body).ok());
  EXPECT_EQ(*instance().custom_status, "");
}

TEST_F(ApplyTest, SentEventsLieInTheOutboxOfTheirPartition) {
  running(send_action(0, "somebody") + send_action(1, "somebody"));
  const PartitionId destination = partition_of("somebody", 3);
  EXPECT_EQ(count<MessageQueued>(), 2);
  EXPECT_EQ(effect<MessageQueued>().destination, destination);
  const PeerMessage* message = state_.outbox.find(destination, 2);
  ASSERT_NE(message, nullptr);
  EXPECT_EQ(message->target_id, "somebody");
  const auto events = decode_history(message->event);
  ASSERT_TRUE(events.ok());
  ASSERT_EQ(events->size(), 1U);
  EXPECT_EQ((*events)[0].kind, HistoryEventKind::event_raised);
  EXPECT_EQ((*events)[0].event_id, -1);
  EXPECT_EQ((*events)[0].name, "greeting");
  EXPECT_EQ((*events)[0].data, "hi");
}

TEST_F(ApplyTest, ACompletedInstanceBecomesARecordAndLeavesNothingBehind) {
  running(timer_action(0, at_us(5000)) + task_action(1));
  ASSERT_TRUE(step(complete_action(2) + timer_action(3, at_us(9000))).ok());
  EXPECT_EQ(state_.instances.size(), 0U);
  EXPECT_TRUE(state_.agenda.empty());
  EXPECT_EQ(state_.counters.finished, 1U);
  EXPECT_TRUE(state_.erased_rows.empty());  // no checkpoint ever had it
  const FinishedRecord record = state_.finished.find(hash64("first"), "first");
  EXPECT_EQ(effect<InstanceFinished>().record, record.row);
  const Result<RowView> row = view_row(record.row);
  ASSERT_TRUE(row.ok());
  const Result<InstanceState> state = to_instance_state(*row, true);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->status, RuntimeStatus::completed);
  EXPECT_EQ(state->output, "output");
  EXPECT_EQ(state->completed_at, at_us(now_));
}

TEST_F(ApplyTest, TheFirstCompletionOfAStepCounts) {
  running(complete_action(0, RuntimeStatus::failed) + complete_action(1));
  const Result<RowView> row = view_row(effect<InstanceFinished>().record);
  ASSERT_TRUE(row.ok());
  EXPECT_EQ(row->status, RuntimeStatus::failed);
}

TEST_F(ApplyTest, AStepOfOneThatEndedIsCorrupt) {
  running(complete_action(0));
  expect_corrupt(step(""));
}
TEST_F(ApplyTest, AStepOfAnotherExecutionIsCorrupt) {
  ASSERT_TRUE(create("first").ok());
  StepCompleted body;
  body.sequence = kFirst;
  body.generation = 1;
  expect_corrupt(apply_now(body));
}
TEST_F(ApplyTest, AStepConsumesNoMoreThanThereIs) {
  ASSERT_TRUE(create("first").ok());
  StepCompleted body;
  body.sequence = kFirst;
  body.consumed = 2;
  expect_corrupt(apply_now(body));
}
// Such a step would leave a history without a start, and a row that nobody can read.
TEST_F(ApplyTest, TheFirstStepConsumesTheStart) {
  ASSERT_TRUE(create("first").ok());
  StepCompleted body;
  body.sequence = kFirst;
  expect_corrupt(apply_now(body));
}
TEST_F(ApplyTest, ActionIdsAscend) {
  ASSERT_TRUE(create("first").ok());
  expect_corrupt(step(task_action(1) + task_action(1)));
}
TEST_F(ApplyTest, AnIdThatIsStillWaitedForIsNotTakenAgain) {
  running(task_action(4));
  expect_corrupt(step(task_action(4)));
}
TEST_F(ApplyTest, AnIdThatHasEndedMayBeTakenAgain) {
  running(task_action(4));
  ASSERT_TRUE(complete_activity(4).ok());
  ASSERT_TRUE(step(task_action(4, "retry") + complete_action(5)).ok());
  // What is detached is the retry, and it is there once.
  ASSERT_EQ(state_.detached.size(), 1U);
  EXPECT_EQ(decode_history(state_.detached.find({kFirst, 0, 4})->scheduled)->front().data, "retry");
}
TEST_F(ApplyTest, ActionIdsAreNotNegative) {
  ASSERT_TRUE(create("first").ok());
  expect_corrupt(step(task_action(-1)));
}
TEST_F(ApplyTest, ActionIdsHaveALimit) {
  running(task_action(PendingTasks::kIdMax));
  EXPECT_TRUE(instance().tasks.contains(PendingTasks::kIdMax));
  expect_corrupt(step(task_action(PendingTasks::kIdMax + 1)));
}
TEST_F(ApplyTest, TheHighestIdIsRefused) {
  ASSERT_TRUE(create("first").ok());
  expect_corrupt(step(task_action(INT32_MAX)));
}
TEST_F(ApplyTest, ATimerNeedsATime) {
  ASSERT_TRUE(create("first").ok());
  HistoryEvent event;
  event.kind = HistoryEventKind::timer_created;
  event.event_id = 0;
  expect_corrupt(step(bytes_of(event)));
}
TEST_F(ApplyTest, EventsAreSentToValidIds) {
  ASSERT_TRUE(create("first").ok());
  expect_corrupt(step(send_action(0, "")));
}
TEST_F(ApplyTest, ACompletionIsTerminal) {
  ASSERT_TRUE(create("first").ok());
  expect_corrupt(step(complete_action(0, RuntimeStatus::running)));
}
TEST_F(ApplyTest, AMessageIsNoAction) {
  ASSERT_TRUE(create("first").ok());
  HistoryEvent event;
  event.kind = HistoryEventKind::event_raised;
  event.event_id = 0;
  expect_corrupt(step(bytes_of(event)));
}
TEST_F(ApplyTest, RubbishIsNoAction) {
  ASSERT_TRUE(create("first").ok());
  const std::string action = task_action(0);
  expect_corrupt(step(action.substr(0, action.size() - 1)));
}

// --- PeerMessageReceived, OutboxConfirmed ------------------------------------------------------

TEST_F(ApplyTest, PeerMessagesAreCountedAndDelivered) {
  ASSERT_TRUE(create("first").ok());
  const std::string event = raised_event("from afar");
  ASSERT_TRUE(apply_now(PeerMessageReceived{PartitionId(2), 1, kFirst, std::nullopt, event}).ok());
  EXPECT_EQ(count<StepReady>(), 1);
  EXPECT_EQ(inbox().back().name, "from afar");
  EXPECT_EQ(state_.dedup.last(PartitionId(2)), 1U);
  // No one to take it: counted all the same.
  ASSERT_TRUE(
      apply_now(PeerMessageReceived{PartitionId(2), 2, SequenceNumber(), std::nullopt, event})
          .ok());
  EXPECT_TRUE(effects_.empty());
  EXPECT_EQ(state_.dedup.last(PartitionId(2)), 2U);
  ASSERT_TRUE(apply_now(PeerMessageReceived{PartitionId(1), 1, kFirst, std::nullopt, event}).ok());
}

TEST_F(ApplyTest, APeerMessageForOneThatEndedIsCounted) {
  running(complete_action(0));
  const std::string event = raised_event("late");
  ASSERT_TRUE(apply_now(PeerMessageReceived{PartitionId(0), 1, kFirst, std::nullopt, event}).ok());
  EXPECT_TRUE(effects_.empty());
  EXPECT_EQ(state_.dedup.last(PartitionId(0)), 1U);
}

TEST_F(ApplyTest, ARepeatedPeerMessageIsCorrupt) {
  const std::string event = raised_event("e");
  ASSERT_TRUE(
      apply_now(PeerMessageReceived{PartitionId(0), 1, SequenceNumber(), std::nullopt, event})
          .ok());
  expect_corrupt(
      apply_now(PeerMessageReceived{PartitionId(0), 1, SequenceNumber(), std::nullopt, event}));
}
TEST_F(ApplyTest, AGapBetweenPeerMessagesIsCorrupt) {
  const std::string event = raised_event("e");
  expect_corrupt(
      apply_now(PeerMessageReceived{PartitionId(0), 2, SequenceNumber(), std::nullopt, event}));
}
TEST_F(ApplyTest, APeerThatDoesNotExistIsCorrupt) {
  const std::string event = raised_event("e");
  expect_corrupt(
      apply_now(PeerMessageReceived{PartitionId(3), 1, SequenceNumber(), std::nullopt, event}));
}
TEST_F(ApplyTest, APeerMessageIsARaisedEvent) {
  ASSERT_TRUE(create("first").ok());
  const std::string event = task_completed_event(0);
  expect_corrupt(apply_now(PeerMessageReceived{PartitionId(0), 1, kFirst, std::nullopt, event}));
}

TEST_F(ApplyTest, ConfirmedMessagesAreForgotten) {
  running(send_action(0, "somebody") + send_action(1, "somebody") + send_action(2, "somebody"));
  const PartitionId destination = partition_of("somebody", 3);
  ASSERT_TRUE(apply_now(OutboxConfirmed{destination, 2}).ok());
  EXPECT_EQ(state_.outbox.find(destination, 2), nullptr);
  EXPECT_NE(state_.outbox.find(destination, 3), nullptr);
  ASSERT_TRUE(apply_now(OutboxConfirmed{destination, 1}).ok());  // again
  expect_corrupt(apply_now(OutboxConfirmed{destination, 4}));
}
TEST_F(ApplyTest, AConfirmationFromNowhereIsCorrupt) {
  expect_corrupt(apply_now(OutboxConfirmed{PartitionId(3), 0}));
}

}  // namespace
}  // namespace ingot::partition
