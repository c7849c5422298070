// Rows of instances: what was written comes back, and hostile bytes never make an invalid instance.

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "core/random.h"
#include "partition/apply/apply.h"
#include "partition/state/row.h"
#include "tests/partition/fact_program.h"

namespace ingot::partition {
namespace {

std::string row_of(const Instance& instance) {
  std::string bytes;
  encode_row(instance, bytes);
  return bytes;
}

// The rows of all instances that are alive after a random program.
std::vector<std::string> random_rows(std::uint64_t seed, int facts) {
  FactProgram program(seed);
  PartitionState state(PartitionId(0), 2);
  Effects effects;
  for (int i = 0; i < facts; ++i) {
    const std::string bytes = program.next(state);
    const Result<Fact> fact = decode_fact(bytes);
    EXPECT_TRUE(fact.ok() && apply(state, state.applied.plus(1), *fact, effects).ok());
  }
  std::vector<std::string> rows;
  state.instances.for_each([&](const Instance& i) { rows.push_back(row_of(i)); });
  return rows;
}

// A live instance that uses every field of its row.
std::string full_row() {
  Instance instance;
  instance.sequence = SequenceNumber(300);
  instance.id = "order-1";
  instance.execution_id = {0x0102030405060708, 9};
  instance.generation = 2;
  instance.status = RuntimeStatus::running;
  instance.created_at = at_us(1'000'000);
  instance.updated_at = at_us(2'000'000);
  HistoryEvent step;
  instance.history = bytes_of(step) + started_event("order-1") + task_action(0) +
                     timer_action(1, at_us(77)) + task_action(65);
  instance.inbox = raised_event("e") + raised_event("f");
  instance.inbox_count = 2;
  instance.next_action_id = 66;
  instance.tasks.add(0);
  instance.tasks.add(65);
  instance.timers.push_back({1, at_us(77)});
  instance.timers.push_back({kScheduledStartTimer, at_us(99)});
  instance.custom_status = std::make_unique<std::string>("half way");
  instance.awaited.add(3);
  instance.has_parent = true;
  instance.locks = std::make_unique<HeldLocks>();
  instance.locks->event_id = HeldLocks::request_id(3, 40);
  instance.locks->again = true;
  instance.rewinds = 40;
  instance.locks->entities = {"@a@1", "@a@2"};
  return row_of(instance);
}

// An entity that uses every field of its row, with numbers at their limits.
std::string full_entity_row() {
  using Kind = HistoryEventKind;
  Instance instance;
  instance.sequence = SequenceNumber(7);
  instance.id = "@counter@1";
  instance.status = RuntimeStatus::running;
  instance.inbox = entity_message(Kind::entity_operation_called, "one", {1, 2}, 0);
  instance.inbox_count = 1;
  instance.next_action_id = PendingTasks::kIdMax + 1;
  instance.timers.push_back({0, at_us(77)});
  instance.timers.push_back({INT32_MAX, at_us(78)});
  instance.timers.push_back({1, at_us(79)});
  instance.entity = std::make_unique<Entity>();
  Entity& entity = *instance.entity;
  entity.state = "17";
  entity.lock = {"one", {1, 2}, 9};
  entity.waiting = entity_message(Kind::entity_operation_signaled, "two", {3, 4}, -1) +
                   entity_message(Kind::entity_operation_called, "two", {3, 4}, 1) +
                   entity_message(Kind::entity_lock_requested, "two", {3, 4}, 2, {"@counter@1"});
  entity.waiting_count = 3;
  const std::string signal = entity_message(Kind::entity_operation_signaled, "two", {3, 4}, -1);
  entity.scheduled.add(0, signal);
  entity.scheduled.add(1, signal);
  entity.scheduled.add(INT32_MAX, signal);
  return row_of(instance);
}

void expect_valid(const Instance& instance) {
  ASSERT_FALSE(is_terminal(instance.status));
  ASSERT_NE(instance.sequence.value, 0U);
  ASSERT_TRUE(validate_instance_id(instance.id).ok());
  const auto inbox = decode_history(instance.inbox);
  const auto history = decode_history(instance.history);
  ASSERT_TRUE(inbox.ok() && history.ok());
  ASSERT_EQ(inbox->size(), instance.inbox_count);
  ASSERT_GE(instance.next_action_id, 0);
  instance.tasks.for_each([&](std::int32_t id) {
    ASSERT_GE(id, 0);
    ASSERT_LT(id, instance.next_action_id);
  });
  for (const PendingTimer& timer : instance.timers) ASSERT_GE(timer.id, kScheduledStartTimer);
  // It can be shown and written again.
  if (!instance.entity) {
    ASSERT_TRUE(to_instance_state(view_row(instance), true).ok());
  }
  const std::string again = row_of(instance);
  const auto decoded = decode_row(again);
  ASSERT_TRUE(decoded.ok()) << decoded.status().to_string();
  ASSERT_EQ(row_of(**decoded), again);
  // A view of the bytes shows what a view of the instance does.
  const Result<RowView> viewed = view_row(again);
  ASSERT_TRUE(viewed.ok());
  const RowView whole = view_row(instance);
  const auto fields = [](const RowView& v) {
    return std::tie(v.sequence, v.id, v.execution_id, v.status, v.created_at, v.updated_at,
                    v.has_custom_status, v.custom_status, v.history, v.inbox, v.is_entity,
                    v.has_entity_state, v.entity_state, v.lock_owner, v.lock_execution_id,
                    v.lock_event_id, v.queued_operations, v.scheduled_signals);
  };
  ASSERT_TRUE(fields(*viewed) == fields(whole)) << instance.id;
}

// Both ways of reading a row, whatever is in it.
void read_hostile(std::string_view bytes) {
  const Result<RowView> view = view_row(bytes);
  if (view.ok()) {
    static_cast<void>(to_instance_state(*view, true).ok());
  } else {
    ASSERT_EQ(view.status().code(), StatusCode::corrupt);
  }
  const auto instance = decode_row(bytes);
  if (instance.ok()) {
    ASSERT_TRUE(view.ok());
    expect_valid(**instance);
  } else {
    ASSERT_EQ(instance.status().code(), StatusCode::corrupt);
  }
}

TEST(InstanceRowTest, RowsComeBack) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    for (const std::string& row : random_rows(seed, 300)) {
      const auto instance = decode_row(row);
      ASSERT_TRUE(instance.ok()) << instance.status().to_string();
      expect_valid(**instance);
      ASSERT_EQ(row_of(**instance), row);
    }
  }
}

TEST(InstanceRowTest, EveryFieldComesBack) {
  const std::string row = full_row();
  const auto decoded = decode_row(row);
  ASSERT_TRUE(decoded.ok()) << decoded.status().to_string();
  const Instance& instance = **decoded;
  EXPECT_EQ(instance.sequence, SequenceNumber(300));
  EXPECT_EQ(instance.id, "order-1");
  EXPECT_EQ(instance.execution_id, (ExecutionId{0x0102030405060708, 9}));
  EXPECT_EQ(instance.generation, 2U);
  EXPECT_EQ(instance.rewinds, 40U);
  ASSERT_NE(instance.locks, nullptr);
  EXPECT_TRUE(instance.locks->again);
  EXPECT_FALSE(instance.locks->granted);
  EXPECT_EQ(instance.locks->action_id(), 3);
  EXPECT_EQ(instance.status, RuntimeStatus::running);
  EXPECT_EQ(instance.created_at, at_us(1'000'000));
  EXPECT_EQ(instance.updated_at, at_us(2'000'000));
  EXPECT_EQ(instance.inbox_count, 2U);
  EXPECT_EQ(instance.next_action_id, 66);
  EXPECT_TRUE(instance.tasks.contains(0) && instance.tasks.contains(65));
  EXPECT_EQ(instance.tasks.count(), 2U);
  ASSERT_EQ(instance.timers.size(), 2U);
  EXPECT_EQ(instance.timers[1].id, kScheduledStartTimer);
  EXPECT_EQ(instance.timers[1].fire_at, at_us(99));
  ASSERT_NE(instance.custom_status, nullptr);
  EXPECT_EQ(*instance.custom_status, "half way");
  EXPECT_FALSE(instance.start_scheduled);
  EXPECT_EQ(orchestrator_name(instance), "hello");
  EXPECT_EQ(row_of(instance), row);
}

TEST(InstanceRowTest, ClientsSeeWhatTheHistorySays) {
  const std::string row = full_row();
  const Result<RowView> view = view_row(row);
  ASSERT_TRUE(view.ok());
  const Result<InstanceState> state = to_instance_state(*view, true);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->instance_id, "order-1");
  EXPECT_EQ(state->name, "hello");
  EXPECT_EQ(state->status, RuntimeStatus::running);
  EXPECT_EQ(state->input, "input");
  EXPECT_EQ(state->custom_status, "half way");
  EXPECT_FALSE(state->output.has_value());
  EXPECT_FALSE(state->completed_at.has_value());
  const Result<InstanceState> brief = to_instance_state(*view, false);
  ASSERT_TRUE(brief.ok());
  EXPECT_FALSE(brief->input.has_value());
  EXPECT_FALSE(brief->custom_status.has_value());
}

TEST(InstanceRowTest, EveryFieldOfAnEntityComesBack) {
  const std::string row = full_entity_row();
  const auto decoded = decode_row(row);
  ASSERT_TRUE(decoded.ok()) << decoded.status().to_string();
  expect_valid(**decoded);
  EXPECT_EQ(row_of(**decoded), row);
  const Entity& entity = *(*decoded)->entity;
  EXPECT_EQ(entity.state, "17");
  EXPECT_EQ(entity.lock, (CriticalSection{"one", {1, 2}, 9}));
  EXPECT_EQ(entity.waiting_count, 3U);
  EXPECT_EQ(entity.scheduled.events().size(), 3U);
  const Result<RowView> view = view_row(row);
  ASSERT_TRUE(view.ok());
  const EntityState whole = to_entity_state(*view, true);
  EXPECT_EQ(whole.id.name, "counter");
  EXPECT_TRUE(whole.has_state);
  EXPECT_EQ(whole.state, "17");
  EXPECT_EQ(whole.locked_by, "one");
  EXPECT_EQ(whole.queued_operations, 4U);
  EXPECT_FALSE(to_entity_state(*view, false).state.has_value());
  RowView other = *view;
  other.id = "no entity";
  other.has_entity_state = false;
  EXPECT_TRUE(to_entity_state(other, true).id.name.empty());
}

TEST(InstanceRowTest, ARecordSaysHowItEnded) {
  HistoryEvent completed;
  completed.kind = HistoryEventKind::execution_completed;
  completed.event_id = 0;
  completed.status = RuntimeStatus::failed;
  completed.failure = FailureDetails{};
  completed.failure->type = "Broken";
  HistoryEvent started;
  started.kind = HistoryEventKind::execution_started;
  started.name = "hello";
  started.instance_id = "x";
  started.execution_id = {1, 2};
  started.tags = {{"key", "value"}};
  Instance instance;
  instance.sequence = SequenceNumber(1);
  instance.id = "x";
  instance.status = RuntimeStatus::failed;
  instance.history = bytes_of(HistoryEvent{}) + bytes_of(started) + bytes_of(completed);
  const std::string record = row_of(instance);
  EXPECT_TRUE(decode_record(record).ok());
  const Result<InstanceState> state = to_instance_state(*view_row(record), true);
  ASSERT_TRUE(state.ok());
  EXPECT_FALSE(state->output.has_value());
  ASSERT_TRUE(state->failure.has_value());
  EXPECT_EQ(state->failure->type, "Broken");
  EXPECT_EQ(state->tags, (Tags{{"key", "value"}}));
  // A live row is none, and neither is one without a number.
  EXPECT_EQ(decode_record(full_row()).status().code(), StatusCode::corrupt);
  instance.sequence = SequenceNumber(0);
  EXPECT_EQ(decode_record(row_of(instance)).status().code(), StatusCode::corrupt);
}

TEST(InstanceRowTest, ATerminalStatusIsNoLiveRow) {
  Instance instance;
  instance.sequence = SequenceNumber(1);
  instance.id = "x";
  instance.status = RuntimeStatus::completed;
  instance.history = bytes_of(HistoryEvent{}) + started_event("x") + complete_action(0);
  const std::string row = row_of(instance);
  EXPECT_EQ(decode_row(row).status().code(), StatusCode::corrupt);
  const Result<RowView> view = view_row(row);
  ASSERT_TRUE(view.ok());
  const Result<InstanceState> state = to_instance_state(*view, true);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->output, "output");
}

TEST(InstanceRowTest, ATaskThatWasNeverScheduledIsCorrupt) {
  Instance instance;
  instance.sequence = SequenceNumber(1);
  instance.id = "x";
  instance.inbox = started_event("x");
  instance.inbox_count = 1;
  instance.tasks.add(3);
  instance.next_action_id = 3;
  EXPECT_EQ(decode_row(row_of(instance)).status().code(), StatusCode::corrupt);
  instance.next_action_id = 4;
  EXPECT_TRUE(decode_row(row_of(instance)).ok());
}

// A step that consumes one message would leave a history without it.
TEST(InstanceRowTest, AnInboxBeforeTheFirstStepBeginsWithTheStart) {
  Instance instance;
  instance.sequence = SequenceNumber(1);
  instance.id = "x";
  instance.inbox = raised_event("e") + started_event("x");
  instance.inbox_count = 2;
  EXPECT_EQ(decode_row(row_of(instance)).status().code(), StatusCode::corrupt);
  instance.inbox = started_event("x") + raised_event("e");
  EXPECT_TRUE(decode_row(row_of(instance)).ok());
}

TEST(InstanceRowTest, EveryTruncationIsCorrupt) {
  for (const std::string& row : {full_row(), full_entity_row()}) {
    for (std::size_t size = 0; size < row.size(); ++size) {
      const std::string_view cut = std::string_view(row).substr(0, size);
      ASSERT_EQ(decode_row(cut).status().code(), StatusCode::corrupt) << size;
      ASSERT_EQ(view_row(cut).status().code(), StatusCode::corrupt) << size;
    }
    EXPECT_EQ(decode_row(row + 'x').status().code(), StatusCode::corrupt);
  }
}

TEST(InstanceRowTest, EveryByteMayHaveAnyValue) {
  for (const std::string& row : {full_row(), full_entity_row()}) {
    for (std::size_t at = 0; at < row.size(); ++at) {
      for (int value = 0; value < 256; ++value) {
        std::string bad = row;
        bad[at] = static_cast<char>(value);
        read_hostile(bad);
        if (HasFatalFailure()) FAIL() << "byte " << at << " set to " << value;
      }
    }
  }
}

TEST(InstanceRowTest, DamagedRowsAreNeverInvalidInstances) {
  const std::uint64_t seed = 31;
  Random random(seed);
  for (const std::string& row : random_rows(seed, 400)) {
    for (int i = 0; i < 200; ++i) {
      std::string bad = row;
      for (std::uint64_t left = 1 + random.below(3); left != 0; --left) {
        const std::size_t at = random.below(bad.size());
        switch (random.below(3)) {
          case 0:
            bad[at] = static_cast<char>(random.next());
            break;
          case 1:
            bad.insert(at, 1, static_cast<char>(random.next()));
            break;
          default:
            bad.erase(at, 1);
        }
      }
      read_hostile(bad);
      if (HasFatalFailure()) FAIL() << "seed " << seed << ", damage " << i;
    }
  }
}

}  // namespace
}  // namespace ingot::partition
