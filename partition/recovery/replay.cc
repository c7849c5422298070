#include "partition/recovery/replay.h"

#include <optional>

#include "core/fact_codec.h"
#include "core/hash.h"
#include "core/planted_bug.h"
#include "core/try.h"
#include "partition/apply/apply.h"
#include "partition/checkpoint/cut.h"
#include "partition/state/row.h"

namespace ingot::partition {
namespace {

Result<std::unique_ptr<Instance>> stored_instance(std::string_view row, SequenceNumber expected) {
  INGOT_ASSIGN(std::unique_ptr<Instance> instance, decode_row(row));
  if (instance->sequence != expected) {
    return Status(StatusCode::corrupt, "row " + std::to_string(expected.value) +
                                           " holds instance " +
                                           std::to_string(instance->sequence.value));
  }
  instance->id_hash = hash64(instance->id);
  instance->stored = true;
  instance->work_listed = instance->has_outstanding_work();
  return instance;
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
Status make_resident(const storage::CheckpointStore& store, PartitionState& state,
                     SequenceNumber sequence) {
  if (sequence.value == 0 || state.instances.find(sequence) != nullptr) return {};
  Result<std::string> row = store.read_row(sequence);
  if (row.status().code() == StatusCode::not_found) return {};  // ended before
  if (!row.ok()) return row.take_status();
  INGOT_ASSIGN(std::unique_ptr<Instance> instance, stored_instance(*row, sequence));
  if (!state.finished.find(instance->id_hash, instance->id).id.empty()) return {};  // since then
  if (state.instances.find(instance->id_hash, instance->id) != nullptr) return {};  // replaced
  state.instances.insert(std::move(instance));
  return {};
}

}  // namespace

Status load_checkpoint(const storage::CheckpointStore& store, PartitionState& state) {
  if (store.position().value == 0) return {};
  INGOT_ASSIGN(const std::optional<std::string> tables, store.read_blob(kTablesBlob));
  if (!tables) return Status(StatusCode::corrupt, "the checkpoint has no tables");
  INGOT_TRY(state.decode_tables(*tables));
  if (state.applied != store.position()) {
    return Status(StatusCode::corrupt,
                  "the checkpoint's tables are of position " + std::to_string(state.applied.value) +
                      ", the checkpoint of " + std::to_string(store.position().value));
  }
  INGOT_TRY(store.for_each_entry(storage::EntryTable::timers,
                                 [&](std::string_view key, std::string_view) -> Status {
                                   INGOT_ASSIGN(const TimerKey timer, decode_timer_key(key));
                                   if (!INGOT_PLANTED(kForgetStoredTimers))
                                     state.agenda.restore(timer);
                                   return {};
                                 }));
  INGOT_TRY(store.for_each_entry(
      storage::EntryTable::detached, [&](std::string_view key, std::string_view value) -> Status {
        INGOT_ASSIGN(const TaskKey task_key, decode_task_key(key));
        std::optional<DetachedTask> task = decode_detached_task(value, task_key.task_id);
        if (!task) {
          return Status(StatusCode::corrupt, "a detached task of instance " +
                                                 std::to_string(task_key.sequence.value) +
                                                 " can't be decoded");
        }
        state.detached.restore(task_key, std::make_shared<const DetachedTask>(*std::move(task)));
        return {};
      }));
  return store.for_each_entry(
      storage::EntryTable::work, [&](std::string_view key, std::string_view) -> Status {
        INGOT_ASSIGN(const SequenceNumber sequence, decode_work_key(key));
        const Result<std::string> row = store.read_row(sequence);
        if (row.status().code() == StatusCode::not_found) {
          return Status(StatusCode::corrupt, "row " + std::to_string(sequence.value) +
                                                 " is missing, and its instance is listed");
        }
        if (!row.ok()) return row.status();
        INGOT_ASSIGN(std::unique_ptr<Instance> instance, stored_instance(*row, sequence));
        state.instances.insert(std::move(instance));
        return {};
      });
}

Status replay_fact(const storage::CheckpointStore& store, PartitionState& state, Position position,
                   std::string_view bytes, Effects& effects) {
  INGOT_ASSIGN(const Fact fact, decode_fact(bytes));
  if (!INGOT_PLANTED(kReplayWithoutRows)) {
    INGOT_TRY(make_resident(store, state, std::visit(NamedInstance{}, fact.body)));
  }
  effects.clear();
  return apply(state, position, fact, effects);
}

}  // namespace ingot::partition
