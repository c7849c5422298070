// PeerMessageReceived: the next message of a channel is counted, and takes effect if its target is
// there: a message for a live instance, the start of a child, a reply to the execution that asked,
// an operation for an entity.

#include <utility>

#include "core/planted_bug.h"
#include "core/try.h"
#include "partition/apply/apply.h"
#include "partition/apply/entity_messages.h"
#include "partition/apply/outgoing.h"

namespace ingot::partition {
namespace {

using Kind = HistoryEventKind;

// A live instance has the id that a parent has chosen: the parent is told that its child failed.
void refuse_child(PartitionState& state, const HistoryEventView& started, Timestamp at,
                  Effects& effects) {
  const std::optional<ParentInfo> parent = decode_parent(started.parent);
  if (!parent || parent->scheduled_id < 0) return;
  FailureDetails details;
  details.type = "InstanceAlreadyExists";
  details.message = "instance '" + std::string(started.instance_id) + "' exists and has not ended";
  std::string failure;
  encode_failure(details, failure);
  HistoryEventView reply;
  reply.kind = Kind::sub_orchestration_failed;
  reply.timestamp = at;
  reply.scheduled_id = parent->scheduled_id;
  reply.execution_id = parent->execution_id;
  reply.failure = failure;
  send(state, parent->instance_id, reply, effects);
}

// The critical section has all its entities. After a rewind the orchestrator knows that already; it
// has only waited for it to be true again.
void take_grant(PartitionState& state, Instance& instance, const HistoryEventView& event,
                Effects& effects) {
  HeldLocks* locks = instance.locks.get();
  if (locks == nullptr || locks->granted || locks->event_id != event.scheduled_id) return;
  state.touch(instance);
  locks->granted = true;
  if (std::exchange(locks->again, false)) {
    if (instance.inbox_count != 0) effects.push_back(StepReady{instance.sequence});
    return;
  }
  HistoryEventView granted = event;
  granted.scheduled_id = locks->action_id();
  instance.awaited.remove(granted.scheduled_id);
  std::string encoded;
  encode_event(granted, encoded);
  deliver(state, instance, encoded, effects);
}

// A second reply, or one for an execution that has been replaced, changes nothing.
void take_reply(PartitionState& state, Instance& instance, const HistoryEventView& event,
                std::string_view encoded, Effects& effects) {
  if (event.execution_id != instance.execution_id && !INGOT_PLANTED(kTakeOldReplies)) return;
  if (event.kind == Kind::entity_lock_granted) return take_grant(state, instance, event, effects);
  if (!instance.awaited.contains(event.scheduled_id)) return;
  state.touch(instance);
  instance.awaited.remove(event.scheduled_id);
  deliver(state, instance, encoded, effects);
}

bool is_reply(Kind kind) {
  return kind == Kind::sub_orchestration_completed || kind == Kind::sub_orchestration_failed ||
         kind == Kind::entity_operation_completed || kind == Kind::entity_operation_failed ||
         kind == Kind::entity_lock_granted;
}

bool is_entity_message(Kind kind) {
  return kind == Kind::entity_operation_signaled || kind == Kind::entity_operation_called ||
         kind == Kind::entity_lock_requested || kind == Kind::entity_unlock_sent;
}

}  // namespace

Status take_channel_position(PartitionState& state, PartitionId origin, std::uint64_t position) {
  if (origin.value >= state.partition_count) {
    return Status(StatusCode::corrupt, "a message from partition " + std::to_string(origin.value) +
                                           ", which does not exist");
  }
  if (!state.dedup.advance(origin, position)) {
    return Status(StatusCode::corrupt, "message " + std::to_string(position) + " from partition " +
                                           std::to_string(origin.value) +
                                           " is not the next of its channel");
  }
  return {};
}

Status apply_peer_message_received(PartitionState& state, const Fact& fact,
                                   const PeerMessageReceived& body, Effects& effects) {
  INGOT_TRY(take_channel_position(state, body.origin, body.channel_position));
  INGOT_ASSIGN(const HistoryEventView event, only_event(body.event));
  Instance* target = nullptr;
  if (body.target.value != 0) {
    INGOT_ASSIGN(target, live_instance(state, body.target));
  }
  if (event.kind == Kind::execution_started) {
    if (target != nullptr) {
      refuse_child(state, event, fact.at, effects);
      return {};
    }
    // A child takes over what has ended; what an entity starts replaces nothing.
    if (body.replaced && event.parent.empty()) return {};
    return create_orchestration(state, event, body.event, body.replaced, fact.at, effects);
  }
  if (is_entity_message(event.kind)) {
    if (target == nullptr) return {};
    if (target->entity == nullptr) {
      return Status(StatusCode::corrupt,
                    "an operation for instance '" + target->id + "', which is no entity");
    }
    return receive_entity_message(state, *target, event, body.event, fact.at, effects);
  }
  const bool message = is_client_message(event.kind);
  if (!message && !is_reply(event.kind) && event.kind != Kind::execution_rewound) {
    return Status(StatusCode::corrupt, "a PeerMessageReceived fact with a " +
                                           std::string(to_string(event.kind)) + " event");
  }
  if (target == nullptr || target->entity != nullptr) return {};
  if (message) {
    deliver_control(state, *target, event, body.event, fact.at, effects);
  } else if (event.kind != Kind::execution_rewound) {
    take_reply(state, *target, event, body.event, effects);
  }
  return {};
}

}  // namespace ingot::partition
