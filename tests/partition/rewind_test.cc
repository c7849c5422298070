// The row with which a failed instance goes on: what of its last step is taken back, and what of
// what clients had said still counts.

#include "partition/requests/rewind.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/hash.h"
#include "partition/apply/apply.h"
#include "tests/partition/event_bytes.h"

namespace ingot::partition {
namespace {

using Kind = HistoryEventKind;
constexpr SequenceNumber kFirst(1);

std::string task_failed_event(std::int32_t task) {
  HistoryEvent event;
  event.kind = Kind::task_failed;
  event.scheduled_id = task;
  event.failure = FailureDetails{"Error", "broken", false, {}};
  return bytes_of(event);
}

class RewindTest : public testing::Test {
 protected:
  void apply_now(const FactBody& body) {
    effects_.clear();
    const Status applied =
        apply(state_, state_.applied.plus(1), Fact{at_us(++now_), body}, effects_);
    ASSERT_TRUE(applied.ok()) << applied.to_string();
  }
  void deliver(const std::string& event) { apply_now(MessageDelivered{kFirst, 0, event}); }
  void step(const std::string& actions) {
    StepCompleted body;
    body.sequence = kFirst;
    body.consumed = state_.instances.find(kFirst)->inbox_count;
    body.actions = actions;
    apply_now(body);
  }
  // Its first step has had these actions, the activity 0 among them.
  void start(const std::string& actions) {
    const std::string event = started_event("first");
    apply_now(InstanceCreated{0, std::nullopt, {}, event});
    step(actions);
  }
  void fail_activity() {
    const std::string event = task_failed_event(0);
    apply_now(ActivityCompleted{kFirst, 0, event});
  }
  // Rewinds it, and takes the fact that says so.
  Instance* rewind() {
    const FinishedRecord record = state_.finished.find(hash64("first"), "first");
    Result<RewoundRow> rewound =
        rewound_row(record.row, state_.last_sequence.plus(1), at_us(now_), "again");
    EXPECT_TRUE(rewound.ok()) << rewound.status().to_string();
    if (!rewound.ok()) return nullptr;
    apply_now(InstanceRewound{0, rewound->old, rewound->row});
    return state_.instances.find(state_.last_sequence);
  }
  static std::vector<std::string> kinds(const std::string& events) {
    std::vector<std::string> names;
    const Result<std::vector<HistoryEvent>> decoded = decode_history(events);
    if (!decoded.ok()) return {decoded.status().to_string()};
    for (const HistoryEvent& event : *decoded) names.emplace_back(to_string(event.kind));
    return names;
  }

  PartitionState state_{PartitionId(0), 1};
  Effects effects_;
  std::int64_t now_ = 1000;
};

TEST_F(RewindTest, ControlMessagesOfTheLastStepDoNotActAgain) {
  start(task_action(0));
  fail_activity();
  deliver(raised_event("kept"));
  deliver(control_event(Kind::execution_suspended));
  deliver(control_event(Kind::execution_terminated));
  step(complete_action(1, RuntimeStatus::failed));
  const Instance* instance = rewind();
  ASSERT_NE(instance, nullptr);
  EXPECT_EQ(kinds(instance->inbox), (std::vector<std::string>{"EventRaised", "ExecutionRewound"}));
  EXPECT_EQ(to_string(instance->status), "Running");
  EXPECT_TRUE(instance->tasks.contains(0));
}

TEST_F(RewindTest, NorDoThoseThatCameAfterIt) {
  start(task_action(0));
  fail_activity();
  deliver(control_event(Kind::execution_suspended));
  deliver(raised_event("kept"));
  StepCompleted body;
  body.sequence = kFirst;
  body.consumed = 1;
  const std::string actions = complete_action(1, RuntimeStatus::failed);
  body.actions = actions;
  apply_now(body);
  const Instance* instance = rewind();
  ASSERT_NE(instance, nullptr);
  EXPECT_EQ(kinds(instance->inbox), (std::vector<std::string>{"EventRaised", "ExecutionRewound"}));
  EXPECT_EQ(instance->inbox_count, 2U);
}

TEST_F(RewindTest, OneThatFailedWhileSuspendedIsResumed) {
  start(task_action(0));
  deliver(control_event(Kind::execution_suspended));
  step("");
  EXPECT_EQ(to_string(state_.instances.find(kFirst)->status), "Suspended");
  deliver(raised_event("x"));
  step(complete_action(1, RuntimeStatus::failed));  // its step took too long
  const Instance* instance = rewind();
  ASSERT_NE(instance, nullptr);
  EXPECT_EQ(kinds(instance->inbox),
            (std::vector<std::string>{"EventRaised", "ExecutionResumed", "ExecutionRewound"}));
  EXPECT_EQ(to_string(instance->status), "Running");
}

TEST_F(RewindTest, AResumptionIsNotRepeated) {
  start(task_action(0));
  deliver(control_event(Kind::execution_suspended));
  step("");
  fail_activity();
  deliver(control_event(Kind::execution_resumed));
  step(complete_action(1, RuntimeStatus::failed));
  const Instance* instance = rewind();
  ASSERT_NE(instance, nullptr);
  EXPECT_EQ(kinds(instance->inbox),
            (std::vector<std::string>{"ExecutionResumed", "ExecutionRewound"}));
}

TEST_F(RewindTest, DetachedTasksAreTheInstancesOwnAgain) {
  start(task_action(0) + task_action(1));
  fail_activity();
  step(task_action(2) + complete_action(3, RuntimeStatus::failed));
  ASSERT_EQ(state_.detached.size(), 2U);
  const Instance* instance = rewind();
  ASSERT_NE(instance, nullptr);
  EXPECT_TRUE(state_.detached.empty());
  EXPECT_TRUE(instance->tasks.contains(0));
  EXPECT_TRUE(instance->tasks.contains(1));
  EXPECT_FALSE(instance->tasks.contains(2));  // the step that asked for it has not happened
  const auto is_start = [](const Effect& effect) {
    return std::holds_alternative<ActivityScheduled>(effect);
  };
  EXPECT_EQ(std::count_if(effects_.begin(), effects_.end(), is_start), 2);
}

TEST_F(RewindTest, LocksThatWereHeldAreAskedForAgainUnderAnotherNumber) {
  start(lock_action(0, {"@log@a", "@log@b"}) + task_action(1));
  const std::string granted =
      reply_event(Kind::entity_lock_granted, state_.instances.find(kFirst)->execution_id, 0);
  apply_now(PeerMessageReceived{PartitionId(0), 1, kFirst, std::nullopt, granted});
  step("");
  const std::string failed = task_failed_event(1);
  apply_now(ActivityCompleted{kFirst, 0, failed});
  step(complete_action(2, RuntimeStatus::failed));
  Instance* instance = rewind();
  ASSERT_NE(instance, nullptr);
  ASSERT_NE(instance->locks, nullptr);
  EXPECT_TRUE(instance->locks->again);
  EXPECT_TRUE(instance->blocked());
  EXPECT_FALSE(instance->has_outstanding_work() && instance->tasks.empty());
  EXPECT_EQ(instance->locks->entities, (std::vector<std::string>{"@log@a", "@log@b"}));
  EXPECT_NE(instance->locks->event_id, 0);
  EXPECT_EQ(instance->locks->action_id(), 0);
  // A grant of the request that was withdrawn is nothing; the one that counts is no event.
  const SequenceNumber now = instance->sequence;
  const std::uint32_t messages = instance->inbox_count;
  apply_now(PeerMessageReceived{PartitionId(0), 2, now, std::nullopt, granted});
  EXPECT_TRUE(instance->blocked());
  const std::string again =
      reply_event(Kind::entity_lock_granted, instance->execution_id, instance->locks->event_id);
  apply_now(PeerMessageReceived{PartitionId(0), 3, now, std::nullopt, again});
  EXPECT_FALSE(instance->blocked());
  EXPECT_TRUE(instance->locks->granted);
  EXPECT_EQ(instance->inbox_count, messages);
  EXPECT_EQ(effects_.size(), 1U);  // the step
}

TEST_F(RewindTest, LocksThatWereNotYetGrantedAreAskedForAgainToo) {
  start(lock_action(0, {"@log@a"}) + task_action(1));
  const std::string failed = task_failed_event(1);
  apply_now(ActivityCompleted{kFirst, 0, failed});
  step(complete_action(2, RuntimeStatus::failed));
  Instance* instance = rewind();
  ASSERT_NE(instance, nullptr);
  ASSERT_NE(instance->locks, nullptr);
  EXPECT_FALSE(instance->blocked());
  EXPECT_TRUE(instance->awaited.contains(0));
  const std::string again =
      reply_event(Kind::entity_lock_granted, instance->execution_id, instance->locks->event_id);
  apply_now(PeerMessageReceived{PartitionId(0), 1, instance->sequence, std::nullopt, again});
  const std::vector<HistoryEvent> inbox = *decode_history(instance->inbox);
  EXPECT_EQ(to_string(inbox.back().kind), "EntityLockGranted");
  EXPECT_EQ(inbox.back().scheduled_id, 0);  // as the orchestrator has asked for it
  EXPECT_FALSE(instance->awaited.contains(0));
}

// It came while the last step was with a foreign worker: no step has heard of it, and the locks
// have been given back since.
TEST_F(RewindTest, AGrantThatNoStepHasHeardOfIsVoid) {
  start(lock_action(0, {"@log@a"}) + task_action(1));
  const std::string failed = task_failed_event(1);
  apply_now(ActivityCompleted{kFirst, 0, failed});
  const std::string granted =
      reply_event(Kind::entity_lock_granted, state_.instances.find(kFirst)->execution_id, 0);
  apply_now(PeerMessageReceived{PartitionId(0), 1, kFirst, std::nullopt, granted});
  StepCompleted body;
  body.sequence = kFirst;
  body.consumed = 1;
  const std::string actions = complete_action(2, RuntimeStatus::failed);
  body.actions = actions;
  apply_now(body);
  Instance* instance = rewind();
  ASSERT_NE(instance, nullptr);
  ASSERT_NE(instance->locks, nullptr);
  EXPECT_EQ(kinds(instance->inbox), (std::vector<std::string>{"ExecutionRewound"}));
  EXPECT_EQ(instance->inbox_count, 1U);
  EXPECT_TRUE(instance->awaited.contains(0));
  const std::string again =
      reply_event(Kind::entity_lock_granted, instance->execution_id, instance->locks->event_id);
  apply_now(PeerMessageReceived{PartitionId(0), 2, instance->sequence, std::nullopt, again});
  EXPECT_EQ(kinds(instance->inbox),
            (std::vector<std::string>{"ExecutionRewound", "EntityLockGranted"}));
}

TEST_F(RewindTest, AChildIsTheOneThatTheParentsActionStarted) {
  HistoryEventView asked;
  asked.kind = Kind::execution_rewound;
  asked.instance_id = "parent-1";
  asked.execution_id = {3, 4};
  asked.scheduled_id = 5;
  const std::string event = child_started_event("c", {8, 9}, "parent-1");
  apply_now(InstanceCreated{0, std::nullopt, {}, event});
  const Instance* child = state_.instances.find(kFirst);
  EXPECT_TRUE(is_rewound_child(view_row(*child), asked));
  asked.scheduled_id = 6;
  EXPECT_FALSE(is_rewound_child(view_row(*child), asked));
  asked.scheduled_id = 5;
  asked.execution_id = {3, 5};
  EXPECT_FALSE(is_rewound_child(view_row(*child), asked));
  asked.execution_id = {3, 4};
  asked.instance_id = "other";
  EXPECT_FALSE(is_rewound_child(view_row(*child), asked));
  const std::string answer = answer_for_child("c", std::nullopt, asked, at_us(1));
  const HistoryEvent told = decode_history(answer)->front();
  EXPECT_EQ(to_string(told.kind), "SubOrchestrationInstanceFailed");
  ASSERT_TRUE(told.failure.has_value());
  EXPECT_EQ(told.failure->type, "InstanceNotFound");
  EXPECT_EQ(told.scheduled_id, 5);
}

}  // namespace
}  // namespace ingot::partition
