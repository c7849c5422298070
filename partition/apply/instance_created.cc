// InstanceCreated: a new instance, pending, with its ExecutionStarted event in the inbox.

#include "core/hash.h"
#include "core/try.h"
#include "partition/apply/apply.h"

namespace ingot::partition {

Status apply_instance_created(PartitionState& state, const Fact& fact, const InstanceCreated& body,
                              Effects& effects) {
  INGOT_ASSIGN(const HistoryEventView started, only_event(body.started));
  if (started.kind != HistoryEventKind::execution_started ||
      !validate_instance_id(started.instance_id).ok() || started.execution_id.empty()) {
    return Status(StatusCode::corrupt, "an InstanceCreated fact without a proper start event");
  }
  auto created = std::make_unique<Instance>();
  created->sequence = ++state.last_sequence;
  created->id = started.instance_id;
  created->id_hash = hash64(started.instance_id);
  created->execution_id = started.execution_id;
  created->history = state.take_buffer();
  created->inbox = state.take_buffer();
  created->created_at = fact.at;
  created->updated_at = fact.at;
  if (state.instances.find(created->id_hash, created->id) != nullptr) {
    return Status(StatusCode::corrupt, "instance '" + created->id + "' is created twice");
  }
  Instance& instance = state.instances.insert(std::move(created));
  ++state.counters.created;
  state.touch(instance);
  if (started.has_fire_at && started.fire_at > fact.at) {
    instance.start_scheduled = true;
    instance.timers.push_back({kScheduledStartTimer, started.fire_at});
    state.agenda.add({started.fire_at, instance.sequence, kScheduledStartTimer, 0});
  }
  deliver(state, instance, body.started, effects);
  return {};
}

}  // namespace ingot::partition
