// An entity's lock: one holder at a time, others wait in order, and only its holder gives it back.

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "partition/apply/apply.h"
#include "tests/partition/event_bytes.h"

namespace ingot::partition {
namespace {

using Kind = HistoryEventKind;
constexpr SequenceNumber kFirst(1);
constexpr ExecutionId kExecution{1, 2};

class EntityLocksTest : public testing::Test {
 protected:
  EntityLocksTest() { apply_now(EntityCreated{"@log@a"}); }

  void apply_now(const FactBody& body) {
    effects_.clear();
    const Status applied =
        apply(state_, state_.applied.plus(1), Fact{at_us(++now_), body}, effects_);
    ASSERT_TRUE(applied.ok()) << applied.to_string();
  }
  void send(Kind kind, const std::string& sender, std::vector<std::string> lock_set = {},
            ExecutionId execution = kExecution, std::int32_t request = 0) {
    const std::string message =
        entity_message(kind, sender, execution, request, std::move(lock_set));
    apply_now(MessageDelivered{kFirst, 0, message});
  }
  void ask_lock(const std::string& owner) { send(Kind::entity_lock_requested, owner, {"@log@a"}); }
  void unlock(const std::string& owner) { send(Kind::entity_unlock_sent, owner); }
  void call(const std::string& sender) { send(Kind::entity_operation_called, sender); }
  void batch(std::uint32_t consumed, StateChange change = StateChange::unchanged) {
    EntityStepCompleted body;
    body.sequence = kFirst;
    body.consumed = consumed;
    body.change = change;
    if (change == StateChange::set) body.entity_state = "new";
    apply_now(body);
  }

  [[nodiscard]] const Instance& instance() const { return *state_.instances.find(kFirst); }
  [[nodiscard]] const Entity& entity() const { return *instance().entity; }
  // Of all messages that were sent.
  [[nodiscard]] int sent(Kind kind, const std::string& target) const {
    int count = 0;
    for (const auto& [destination, channel] : state_.outbox.channels()) {
      for (const PeerMessage& message : channel.unconfirmed) {
        const HistoryEvent event = decode_history(message.event)->front();
        count += event.kind == kind && message.target_id == target ? 1 : 0;
      }
    }
    return count;
  }

  PartitionState state_{PartitionId(0), 1};
  Effects effects_;
  std::int64_t now_ = 1000;
};

TEST_F(EntityLocksTest, OneHolderAtATime) {
  ask_lock("one");
  EXPECT_EQ(entity().lock.owner, "one");
  EXPECT_EQ(sent(Kind::entity_lock_granted, "one"), 1);
  ask_lock("two");
  ask_lock("three");
  EXPECT_EQ(entity().lock.owner, "one");
  EXPECT_EQ(entity().waiting_count, 2U);
  EXPECT_EQ(sent(Kind::entity_lock_granted, "two"), 0);
  unlock("one");
  EXPECT_EQ(entity().lock.owner, "two");
  EXPECT_EQ(entity().waiting_count, 1U);
  EXPECT_EQ(sent(Kind::entity_lock_granted, "two"), 1);
  EXPECT_EQ(sent(Kind::entity_lock_granted, "three"), 0);
}

TEST_F(EntityLocksTest, OperationsOfOthersWait) {
  ask_lock("one");
  call("two");
  EXPECT_EQ(instance().inbox_count, 0U);
  EXPECT_EQ(entity().waiting_count, 1U);
  call("one");
  EXPECT_EQ(instance().inbox_count, 1U);
  batch(1);
  EXPECT_EQ(instance().inbox_count, 0U);
  unlock("one");
  EXPECT_EQ(instance().inbox_count, 1U);
  EXPECT_EQ(entity().waiting_count, 0U);
}

TEST_F(EntityLocksTest, OnlyTheHolderGivesItBack) {
  ask_lock("one");
  unlock("two");
  send(Kind::entity_unlock_sent, "one", {}, {1, 3});         // another execution
  send(Kind::entity_unlock_sent, "one", {}, kExecution, 5);  // another section
  EXPECT_EQ(entity().lock.owner, "one");
  unlock("one");
  EXPECT_FALSE(entity().locked());
}

TEST_F(EntityLocksTest, ALockWaitsForWhatCameBeforeIt) {
  call("one");
  ask_lock("two");
  call("three");
  EXPECT_FALSE(entity().locked());
  EXPECT_EQ(instance().inbox_count, 1U);
  EXPECT_EQ(entity().waiting_count, 2U);
  batch(1);
  EXPECT_EQ(entity().lock.owner, "two");
  EXPECT_EQ(instance().inbox_count, 0U);
  EXPECT_EQ(entity().waiting_count, 1U);
}

TEST_F(EntityLocksTest, AnOrchestrationThatEndsGivesItsLocksBack) {
  const std::string event = started_event("first");
  apply_now(InstanceCreated{0, std::nullopt, {}, event});
  const SequenceNumber first = state_.last_sequence;
  const auto step = [&](const std::string& actions) {
    StepCompleted body;
    body.sequence = first;
    body.consumed = state_.instances.find(first)->inbox_count;
    body.actions = actions;
    apply_now(body);
  };
  step(lock_action(0, {"@log@a", "@log@b"}));
  const std::string granted = reply_event(Kind::entity_lock_granted, kExecution, 0);
  apply_now(PeerMessageReceived{PartitionId(0), 1, first, std::nullopt, granted});
  EXPECT_EQ(sent(Kind::entity_unlock_sent, "@log@a"), 0);
  step(complete_action(1));
  EXPECT_EQ(sent(Kind::entity_unlock_sent, "@log@a"), 1);
  EXPECT_EQ(sent(Kind::entity_unlock_sent, "@log@b"), 1);
}

TEST_F(EntityLocksTest, StateIsSetAndDeleted) {
  call("one");
  call("one");
  batch(1, StateChange::set);
  EXPECT_EQ(entity().state, "new");
  batch(1, StateChange::deleted);
  EXPECT_EQ(entity().state, std::nullopt);
}

// Their ids begin anew after 2^26 of them, and one of the first may still be to come.
TEST_F(EntityLocksTest, AScheduledSignalTakesNoIdThatIsInUse) {
  HistoryEvent signal;
  signal.kind = Kind::entity_operation_signaled;
  signal.fire_at = at_us(1'000'000);
  const std::string message = bytes_of(signal);
  apply_now(MessageDelivered{kFirst, 0, message});
  apply_now(MessageDelivered{kFirst, 0, message});
  state_.instances.find(kFirst)->next_action_id = PendingTasks::kIdMax + 1;
  apply_now(MessageDelivered{kFirst, 0, message});
  EXPECT_EQ(entity().scheduled.events().size(), 3U);
  EXPECT_EQ(state_.agenda.size(), 3U);
  for (const std::int32_t timer : {0, 1, 2}) apply_now(TimerFired{kFirst, 0, timer});
  EXPECT_EQ(instance().inbox_count, 3U);
}

}  // namespace
}  // namespace ingot::partition
