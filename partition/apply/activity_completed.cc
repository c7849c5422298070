// ActivityCompleted: the result of a pending activity goes to the inbox. A second result, or one
// for what was never pending, changes nothing. The result of a detached task is dropped, and the
// task with it.

#include "core/planted_bug.h"
#include "core/try.h"
#include "partition/apply/apply.h"

namespace ingot::partition {

Status apply_activity_completed(PartitionState& state, const Fact& /*fact*/,
                                const ActivityCompleted& body, Effects& effects) {
  INGOT_ASSIGN(Instance * instance, live_instance(state, body.sequence));
  INGOT_ASSIGN(const HistoryEventView event, only_event(body.event));
  if (event.kind != HistoryEventKind::task_completed &&
      event.kind != HistoryEventKind::task_failed) {
    return Status(StatusCode::corrupt, "an ActivityCompleted fact with a " +
                                           std::string(to_string(event.kind)) + " event");
  }
  const bool replaced = instance == nullptr || (instance->generation != body.generation &&
                                                !INGOT_PLANTED(kIgnoreGeneration));
  if (replaced) {
    state.detached.remove({body.sequence, body.generation, event.scheduled_id});
    return {};
  }
  if (!instance->tasks.contains(event.scheduled_id)) return {};
  state.touch(*instance);
  if (!INGOT_PLANTED(kTaskStaysPending)) instance->tasks.remove(event.scheduled_id);
  deliver(state, *instance, body.event, effects);
  return {};
}

}  // namespace ingot::partition
