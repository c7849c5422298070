// InstanceCreated: a new instance, pending, with its ExecutionStarted event in the inbox. One that
// it replaces is terminated first, if it is alive.

#include "core/hash.h"
#include "core/planted_bug.h"
#include "core/try.h"
#include "partition/apply/apply.h"
#include "partition/apply/orchestration_end.h"

namespace ingot::partition {
namespace {

Status no_proper_start() {
  return Status(StatusCode::corrupt, "an instance is created without a proper start event");
}

}  // namespace

Status create_orchestration(PartitionState& state, const HistoryEventView& started,
                            std::string_view encoded, std::optional<RuntimeStatus> replaced,
                            Timestamp at, Effects& effects) {
  if (started.kind != HistoryEventKind::execution_started || started.execution_id.empty() ||
      !validate_instance_id(started.instance_id).ok() || is_entity_id(started.instance_id)) {
    return no_proper_start();
  }
  if (replaced) {
    if (!is_terminal(*replaced) || state.count(*replaced) == 0) return no_proper_start();
    --state.count(*replaced);
  }
  auto created = std::make_unique<Instance>();
  created->sequence = ++state.last_sequence;
  created->id = started.instance_id;
  created->id_hash = hash64(started.instance_id);
  created->execution_id = started.execution_id;
  created->has_parent = !started.parent.empty();
  created->history = state.take_buffer();
  created->inbox = state.take_buffer();
  created->created_at = at;
  created->updated_at = at;
  if (state.instances.find(created->id_hash, created->id) != nullptr) {
    return Status(StatusCode::corrupt, "instance '" + created->id + "' is created twice");
  }
  Instance& instance = state.instances.insert(std::move(created));
  ++state.counters.created;
  ++state.count(RuntimeStatus::pending);
  state.touch(instance);
  if (started.has_fire_at && started.fire_at > at && !INGOT_PLANTED(kStartAtOnce)) {
    instance.start_scheduled = true;
    instance.timers.push_back({kScheduledStartTimer, started.fire_at});
    state.agenda.add({started.fire_at, instance.sequence, kScheduledStartTimer, 0});
  }
  deliver(state, instance, encoded, effects);
  return {};
}

Status apply_instance_created(PartitionState& state, const Fact& fact, const InstanceCreated& body,
                              Effects& effects) {
  INGOT_ASSIGN(const HistoryEventView started, only_event(body.started));
  if (!INGOT_PLANTED(kForgetStartIds)) state.requests.add(body.request_id);
  std::optional<RuntimeStatus> replaced = body.replaced;
  if (replaced && !is_terminal(*replaced)) {
    INGOT_ASSIGN(Instance * live, live_instance(state, body.replaced_sequence));
    if (live == nullptr || live->id != started.instance_id) return no_proper_start();
    terminate_replaced(state, *live, fact.at, effects);
    replaced = RuntimeStatus::terminated;
  }
  return create_orchestration(state, started, body.started, replaced, fact.at, effects);
}

}  // namespace ingot::partition
