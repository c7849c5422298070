// MessageDelivered: a client's message goes to the end of the inbox. A termination does not wait
// for a scheduled start.

#include "core/try.h"
#include "partition/apply/apply.h"

namespace ingot::partition {

Status apply_message_delivered(PartitionState& state, const Fact& /*fact*/,
                               const MessageDelivered& body, Effects& effects) {
  INGOT_ASSIGN(Instance * instance, live_instance(state, body.sequence));
  INGOT_ASSIGN(const HistoryEventView event, only_event(body.event));
  if (event.kind != HistoryEventKind::event_raised &&
      event.kind != HistoryEventKind::execution_terminated) {
    return Status(StatusCode::corrupt, "a MessageDelivered fact with a " +
                                           std::string(to_string(event.kind)) + " event");
  }
  if (instance == nullptr) return {};
  if (event.kind == HistoryEventKind::execution_terminated && instance->start_scheduled) {
    state.touch(*instance);
    instance->start_scheduled = false;
    for (const PendingTimer& timer : instance->timers) {
      state.agenda.remove({timer.fire_at, instance->sequence, timer.id, instance->generation});
    }
    instance->timers.clear();
  }
  deliver(state, *instance, body.event, effects);
  return {};
}

}  // namespace ingot::partition
