#pragma once

// RecoveryFixture: a small partition whose recovery is tested, by facts that are written by hand.

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "partition/state/row.h"
#include "tests/partition/recovery_case.h"

namespace ingot::partition {

inline std::string put(const FactBody& body) { return bytes_of(Fact{at_us(5'000'000), body}); }

inline std::string created(std::string_view id) {
  const std::string event = started_event(id);
  return put(InstanceCreated{0, std::nullopt, {}, event});
}

inline std::string stepped(std::uint64_t sequence, const std::string& actions,
                           std::uint32_t consumed = 1) {
  StepCompleted step;
  step.sequence = SequenceNumber(sequence);
  step.consumed = consumed;
  step.actions = actions;
  return put(step);
}

inline std::string raised(std::uint64_t sequence) {
  const std::string event = raised_event("e");
  return put(MessageDelivered{SequenceNumber(sequence), 0, event});
}

inline std::string completed(std::uint64_t sequence, std::int32_t task) {
  const std::string event = task_completed_event(task);
  return put(ActivityCompleted{SequenceNumber(sequence), 0, event});
}

inline constexpr std::uint64_t kBusy = 1;    // waits for an activity and a timer
inline constexpr std::uint64_t kFresh = 2;   // has not started
inline constexpr std::uint64_t kEnded = 3;   // has left an activity behind
inline constexpr std::uint64_t kEntity = 4;  // has an operation to carry out
inline constexpr std::uint64_t kIdle = 5;    // waits for an event: only in the store
inline constexpr std::uint64_t kPurged = 6;
inline constexpr std::uint64_t kCreated = 6;
inline constexpr std::uint64_t kAhead = 1ULL << 40;  // microseconds

// The facts that lead to the checkpoint.
inline std::vector<std::string> facts_before() {
  const std::string operation =
      entity_message(HistoryEventKind::entity_operation_signaled, "one", {1, 2}, -1);
  return {
      created("one"),
      stepped(kBusy, task_action(0) + timer_action(1, at_us(kAhead)) + send_action(2, "other") +
                         send_action(3, "another")),
      created("two"),
      created("three"),
      stepped(kEnded, task_action(0) + task_action(1) + complete_action(2)),
      put(EntityCreated{"@counter@1"}),
      put(MessageDelivered{SequenceNumber(kEntity), 77, operation}),
      created("five"),
      stepped(kIdle, {}),
      created("six"),
      stepped(kPurged, complete_action(0)),
      put(InstancePurged{78, "six", RuntimeStatus::completed, {}}),
  };
}

// A partition with an instance of each kind in its checkpoint, and a log of 12 facts.
class RecoveryFixture : public testing::Test {
 protected:
  RecoveryFixture() {
    PartitionState state(kRecovered, kRecoveredOf);
    const auto store = storage::make_memory_store();
    Effects effects;
    for (const std::string& fact : facts_) {
      const Status applied = replay_fact(*store, state, state.applied.plus(1), fact, effects);
      EXPECT_TRUE(applied.ok()) << applied.to_string();
    }
    Cut cut(state);
    EXPECT_TRUE(cut.copy_some(100));
    EXPECT_TRUE(cut.write(*store).ok());
    sound_ = StoreContents::of(*store);
  }

  // Recovers from `contents` and a log with `tail` behind the checkpoint.
  Result<Recovered> recover(const StoreContents& contents, std::vector<std::string> tail = {}) {
    std::vector<std::string> facts = facts_;
    for (std::string& fact : tail) facts.push_back(std::move(fact));
    use_log(facts);
    return case_->recover(contents);
  }

  // Recoveries are from a log of `facts` from now on.
  void use_log(const std::vector<std::string>& facts) {
    if (cases_.size() == 8) cases_.pop_front();
    case_ = &cases_.emplace_back(facts);
  }

  // The row of an instance of the checkpoint after `change`.
  std::string changed_row(std::uint64_t sequence, const std::function<void(Instance&)>& change) {
    auto instance = decode_row(sound_.rows.at(sequence));
    EXPECT_TRUE(instance.ok());
    change(**instance);
    std::string row;
    encode_row(**instance, row);
    return row;
  }

  // The tables after `change` to the state that they are made of.
  std::string changed_tables(const std::function<void(PartitionState&)>& change) {
    PartitionState state(kRecovered, kRecoveredOf);
    EXPECT_TRUE(state.decode_tables(sound_.tables()).ok());
    change(state);
    std::string tables;
    state.encode_tables(tables);
    return tables;
  }

  const std::vector<std::string> facts_ = facts_before();
  StoreContents sound_;
  RecoveryCase* case_ = nullptr;  // the last one

 private:
  std::deque<RecoveryCase> cases_;  // they outlive what was recovered from them last
};

}  // namespace ingot::partition
