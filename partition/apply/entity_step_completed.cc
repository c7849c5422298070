// EntityStepCompleted: a batch of operations of an entity, committed as a whole: they leave the
// inbox, the state changes, answers and signals go out.

#include "core/planted_bug.h"
#include "core/try.h"
#include "partition/apply/apply.h"
#include "partition/apply/entity_messages.h"
#include "partition/apply/outgoing.h"

namespace ingot::partition {
namespace {

using Kind = HistoryEventKind;

Status corrupt_batch(const PartitionState& state, std::string_view why) {
  return Status(StatusCode::corrupt, "batch of an entity at position " +
                                         std::to_string(state.applied.value) + ": " +
                                         std::string(why));
}

Status take_action(PartitionState& state, const Instance& instance, HistoryEventView action,
                   Timestamp at, Effects& effects) {
  const std::string target(action.instance_id);
  if (!validate_instance_id(target).ok()) return corrupt_batch(state, "an invalid instance id");
  action.timestamp = at;
  switch (action.kind) {
    case Kind::entity_operation_completed:
    case Kind::entity_operation_failed:
      action.instance_id = {};
      send(state, target, action, effects);
      return {};
    case Kind::entity_operation_signaled:
      if (!is_entity_id(target)) return corrupt_batch(state, "a signal to what is no entity");
      action.instance_id = instance.id;
      send(state, target, action, effects);
      return {};
    case Kind::execution_started:
      if (is_entity_id(target) || action.execution_id.empty()) {
        return corrupt_batch(state, "the start of what is no orchestration");
      }
      send(state, target, action, effects);
      return {};
    default:
      return corrupt_batch(state, std::string(to_string(action.kind)) + " is not an action");
  }
}

}  // namespace

Status apply_entity_step_completed(PartitionState& state, const Fact& fact,
                                   const EntityStepCompleted& body, Effects& effects) {
  INGOT_ASSIGN(Instance * found, live_instance(state, body.sequence));
  if (found == nullptr || found->entity == nullptr || body.consumed > found->inbox_count) {
    return corrupt_batch(state, "there is no such entity, or not so many operations");
  }
  Instance& instance = *found;
  state.touch(instance);
  if (body.consumed == instance.inbox_count) {
    instance.inbox.clear();
  } else {
    Reader reader(instance.inbox);
    for (std::uint32_t i = 0; i < body.consumed; ++i) static_cast<void>(reader.bytes());
    instance.inbox.erase(0, instance.inbox.size() - reader.remaining());
  }
  instance.inbox_count -= body.consumed;
  state.counters.history_events += body.consumed;
  instance.updated_at = fact.at;
  if (body.change == StateChange::set) {
    instance.entity->state = std::string(body.entity_state);
  } else if (body.change == StateChange::deleted && !INGOT_PLANTED(kKeepDeletedState)) {
    instance.entity->state.reset();
  }
  Reader actions(body.actions);
  while (actions.more()) {
    const HistoryEventView action = decode_event(actions);
    if (!actions.ok()) return corrupt_batch(state, "an action can't be decoded");
    INGOT_TRY(take_action(state, instance, action, fact.at, effects));
  }
  if (!actions.ok()) return corrupt_batch(state, "an action can't be decoded");
  if (!INGOT_PLANTED(kForgetWaitingOperations)) admit_waiting(state, instance, fact.at, effects);
  state.instances.used(instance);
  if (instance.inbox_count != 0) effects.push_back(StepReady{instance.sequence});
  return {};
}

}  // namespace ingot::partition
