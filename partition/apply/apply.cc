#include "partition/apply/apply.h"

#include "core/try.h"

namespace ingot::partition {
namespace {

struct Dispatcher {
  PartitionState& state;
  const Fact& fact;
  Effects& effects;

  Status operator()(const InstanceCreated& body) const {
    return apply_instance_created(state, fact, body, effects);
  }
  Status operator()(const MessageDelivered& body) const {
    return apply_message_delivered(state, fact, body, effects);
  }
  Status operator()(const ActivityCompleted& body) const {
    return apply_activity_completed(state, fact, body, effects);
  }
  Status operator()(const TimerFired& body) const {
    return apply_timer_fired(state, fact, body, effects);
  }
  Status operator()(const StepCompleted& body) const {
    return apply_step_completed(state, fact, body, effects);
  }
  Status operator()(const PeerMessageReceived& body) const {
    return apply_peer_message_received(state, fact, body, effects);
  }
  Status operator()(const OutboxConfirmed& body) const {
    return apply_outbox_confirmed(state, fact, body, effects);
  }
  Status operator()(const EntityCreated& body) const {
    return apply_entity_created(state, fact, body, effects);
  }
  Status operator()(const EntityStepCompleted& body) const {
    return apply_entity_step_completed(state, fact, body, effects);
  }
  Status operator()(const InstancePurged& body) const {
    return apply_instance_purged(state, fact, body, effects);
  }
  Status operator()(const InstanceRewound& body) const {
    return apply_instance_rewound(state, fact, body, effects);
  }
  Status operator()(const ChildAnswered& body) const {
    return apply_child_answered(state, fact, body, effects);
  }
};

}  // namespace

Status apply(PartitionState& state, Position position, const Fact& fact, Effects& effects) {
  INGOT_ASSERT(position == state.applied.plus(1), position.value, state.applied.value);
  state.applied = position;
  return std::visit(Dispatcher{state, fact, effects}, fact.body);
}

Result<Instance*> live_instance(PartitionState& state, SequenceNumber sequence) {
  if (sequence.value == 0 || sequence > state.last_sequence) {
    return Status(StatusCode::corrupt, "fact at position " + std::to_string(state.applied.value) +
                                           " names instance " + std::to_string(sequence.value) +
                                           ", which was never created");
  }
  return state.instances.find(sequence);
}

Result<HistoryEventView> only_event(std::string_view bytes) {
  Reader reader(bytes);
  const HistoryEventView event = decode_event(reader);
  if (!reader.finished()) return Status(StatusCode::corrupt, "a fact's event can't be decoded");
  return event;
}

void deliver(PartitionState& state, Instance& instance, std::string_view event, Effects& effects) {
  state.touch(instance);
  instance.inbox.append(event);
  ++instance.inbox_count;
  state.instances.used(instance);
  if (!instance.blocked()) effects.push_back(StepReady{instance.sequence});
}

}  // namespace ingot::partition
