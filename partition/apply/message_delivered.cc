// MessageDelivered: a client's message goes to the end of the inbox. A termination is at once the
// end of what waits for its scheduled start. For an entity it is an operation, or the word that a
// lock is given back.

#include "core/planted_bug.h"
#include "core/try.h"
#include "partition/apply/apply.h"
#include "partition/apply/entity_messages.h"
#include "partition/apply/orchestration_end.h"

namespace ingot::partition {

Status apply_message_delivered(PartitionState& state, const Fact& fact,
                               const MessageDelivered& body, Effects& effects) {
  INGOT_ASSIGN(Instance * instance, live_instance(state, body.sequence));
  INGOT_ASSIGN(const HistoryEventView event, only_event(body.event));
  if (!INGOT_PLANTED(kForgetMessageIds)) state.requests.add(body.request_id);
  if (instance != nullptr && instance->entity != nullptr) {
    return receive_entity_message(state, *instance, event, body.event, fact.at, effects);
  }
  if (!is_client_message(event.kind)) {
    return Status(StatusCode::corrupt, "a MessageDelivered fact with a " +
                                           std::string(to_string(event.kind)) + " event");
  }
  if (instance == nullptr) return {};
  deliver_control(state, *instance, event, body.event, fact.at, effects);
  return {};
}

bool is_client_message(HistoryEventKind kind) {
  return kind == HistoryEventKind::event_raised || kind == HistoryEventKind::execution_terminated ||
         kind == HistoryEventKind::execution_suspended ||
         kind == HistoryEventKind::execution_resumed;
}

void deliver_control(PartitionState& state, Instance& instance, const HistoryEventView& event,
                     std::string_view encoded, Timestamp at, Effects& effects) {
  if (event.kind != HistoryEventKind::event_raised) instance.control_in_inbox = true;
  // What has not started ends without ever running, though its time may come before its next step.
  const bool before_start = instance.start_scheduled && !INGOT_PLANTED(kTerminateWaitsForStart);
  // What waits for its locks believes that it holds them: it is not asked either.
  const bool before_locks = instance.locks != nullptr && instance.locks->again;
  if (event.kind == HistoryEventKind::execution_terminated && (before_start || before_locks)) {
    return terminate_at_once(state, instance, event, encoded, at, effects);
  }
  deliver(state, instance, encoded, effects);
}

}  // namespace ingot::partition
