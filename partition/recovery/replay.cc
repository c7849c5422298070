#include "partition/recovery/replay.h"

#include <optional>

#include "core/fact_codec.h"
#include "core/planted_bug.h"
#include "core/try.h"
#include "partition/apply/apply.h"
#include "partition/checkpoint/cut.h"
#include "partition/state/stored_row.h"

namespace ingot::partition {
namespace {

// A timer or task can only be of an instance that was created.
bool is_known(const PartitionState& state, SequenceNumber sequence) {
  return sequence.value != 0 && sequence <= state.last_sequence;
}

Status load_timer(PartitionState& state, std::string_view key) {
  INGOT_ASSIGN(const TimerKey timer, decode_timer_key(key));
  if (!is_known(state, timer.sequence) || timer.timer_id < kScheduledStartTimer) {
    return Status(StatusCode::corrupt, "timer " + std::to_string(timer.timer_id) + " of instance " +
                                           std::to_string(timer.sequence.value) + " can't exist");
  }
  if (!INGOT_PLANTED(kForgetStoredTimers)) state.agenda.restore(timer);
  return {};
}

Status load_detached(PartitionState& state, std::string_view key, std::string_view value) {
  INGOT_ASSIGN(const TaskKey task_key, decode_task_key(key));
  std::optional<DetachedTask> task = decode_detached_task(value, task_key.task_id);
  if (!task || !is_known(state, task_key.sequence) || task_key.task_id < 0 ||
      task_key.task_id > PendingTasks::kIdMax) {
    return Status(StatusCode::corrupt, "a detached task of instance " +
                                           std::to_string(task_key.sequence.value) +
                                           " can't be decoded");
  }
  state.detached.restore(task_key, std::make_shared<const DetachedTask>(*std::move(task)));
  return {};
}

Status load_unfinished(const storage::CheckpointView& store, PartitionState& state,
                       std::string_view key) {
  INGOT_ASSIGN(const SequenceNumber sequence, decode_work_key(key));
  const Result<std::string> row = store.read_row(sequence);
  if (row.status().code() == StatusCode::not_found) {
    return Status(StatusCode::corrupt, "row " + std::to_string(sequence.value) +
                                           " is missing, and its instance is listed");
  }
  if (!row.ok()) return row.status();
  INGOT_ASSIGN(std::unique_ptr<Instance> instance, decode_stored_row(state, *row, sequence));
  if (!instance->work_listed) {
    return Status(StatusCode::corrupt,
                  "row " + std::to_string(sequence.value) + " is listed, and has nothing to do");
  }
  if (state.instances.find(instance->id_hash, instance->id) != nullptr) {
    return Status(StatusCode::corrupt, "row " + std::to_string(sequence.value) +
                                           " is a second one of '" + instance->id + "'");
  }
  return insert_stored(state, std::move(instance));
}

// The live instance that a fact names; 0 when it names none.
struct NamedInstance {
  SequenceNumber operator()(const InstanceCreated& f) const { return f.replaced_sequence; }
  SequenceNumber operator()(const MessageDelivered& f) const { return f.sequence; }
  SequenceNumber operator()(const ActivityCompleted& f) const { return f.sequence; }
  SequenceNumber operator()(const TimerFired& f) const { return f.sequence; }
  SequenceNumber operator()(const StepCompleted& f) const { return f.sequence; }
  SequenceNumber operator()(const PeerMessageReceived& f) const { return f.target; }
  SequenceNumber operator()(const OutboxConfirmed& /*f*/) const { return {}; }
  SequenceNumber operator()(const EntityCreated& /*f*/) const { return {}; }
  SequenceNumber operator()(const EntityStepCompleted& f) const { return f.sequence; }
  SequenceNumber operator()(const InstancePurged& f) const { return f.sequence; }
  SequenceNumber operator()(const InstanceRewound& /*f*/) const { return {}; }
  SequenceNumber operator()(const ChildAnswered& /*f*/) const { return {}; }
};

// Brings the named instance into memory if the store has it and it is not here.
Status make_resident(const storage::CheckpointView& store, PartitionState& state,
                     SequenceNumber sequence) {
  if (sequence.value == 0 || state.instances.find(sequence) != nullptr) return {};
  Result<std::string> row = store.read_row(sequence);
  if (row.status().code() == StatusCode::not_found) return {};  // ended before
  if (!row.ok()) return row.take_status();
  INGOT_ASSIGN(std::unique_ptr<Instance> instance, decode_stored_row(state, *row, sequence));
  if (!state.finished.find(instance->id_hash, instance->id).id.empty()) return {};  // since then
  if (state.instances.find(instance->id_hash, instance->id) != nullptr) return {};  // replaced
  return insert_stored(state, std::move(instance));
}

}  // namespace

Status load_checkpoint(const storage::CheckpointView& store, PartitionState& state) {
  if (store.position().value == 0) return {};
  INGOT_ASSIGN(const std::optional<std::string> tables, store.read_blob(kTablesBlob));
  if (!tables) return Status(StatusCode::corrupt, "the checkpoint has no tables");
  INGOT_TRY(state.decode_tables(*tables));
  if (state.applied != store.position()) {
    return Status(StatusCode::corrupt,
                  "the checkpoint's tables are of position " + std::to_string(state.applied.value) +
                      ", the checkpoint of " + std::to_string(store.position().value));
  }
  using storage::EntryTable;
  INGOT_TRY(store.for_each_entry(EntryTable::timers, [&](std::string_view key, std::string_view) {
    return load_timer(state, key);
  }));
  INGOT_TRY(
      store.for_each_entry(EntryTable::detached, [&](std::string_view key, std::string_view value) {
        return load_detached(state, key, value);
      }));
  return store.for_each_entry(EntryTable::work, [&](std::string_view key, std::string_view) {
    return load_unfinished(store, state, key);
  });
}

Status replay_fact(const storage::CheckpointView& store, PartitionState& state, Position position,
                   std::string_view bytes, Effects& effects) {
  INGOT_ASSIGN(const Fact fact, decode_fact(bytes));
  if (!INGOT_PLANTED(kReplayWithoutRows)) {
    INGOT_TRY(make_resident(store, state, std::visit(NamedInstance{}, fact.body)));
  }
  effects.clear();
  return apply(state, position, fact, effects);
}

}  // namespace ingot::partition
