// TimerFired: a pending timer gives a TimerFired event to the inbox; the timer of a scheduled start
// lets the first step run; that of a scheduled signal lets an entity have it.

#include <algorithm>

#include "core/planted_bug.h"
#include "core/try.h"
#include "partition/apply/apply.h"
#include "partition/apply/entity_messages.h"

namespace ingot::partition {

Status apply_timer_fired(PartitionState& state, const Fact& fact, const TimerFired& body,
                         Effects& effects) {
  INGOT_ASSIGN(Instance * instance, live_instance(state, body.sequence));
  if (instance == nullptr || instance->generation != body.generation) return {};
  const auto timer = std::find_if(instance->timers.begin(), instance->timers.end(),
                                  [&](const PendingTimer& t) { return t.id == body.timer_id; });
  if (timer == instance->timers.end()) return {};
  state.touch(*instance);
  const Timestamp fire_at = timer->fire_at;
  state.agenda.remove({fire_at, instance->sequence, body.timer_id, instance->generation});
  if (!INGOT_PLANTED(kTimerStaysPending)) instance->timers.erase(timer);
  if (instance->entity != nullptr) {
    const std::optional<std::string> event = instance->entity->scheduled.take(body.timer_id);
    if (!event) {
      return Status(StatusCode::corrupt, "a timer of entity '" + instance->id + "' has no signal");
    }
    admit_scheduled(state, *instance, *event, fact.at, effects);
    state.instances.used(*instance);
    return {};
  }
  if (body.timer_id == kScheduledStartTimer) {
    instance->start_scheduled = false;
    effects.push_back(StepReady{instance->sequence});
    return {};
  }
  HistoryEventView event;
  event.kind = HistoryEventKind::timer_fired;
  event.timestamp = fact.at;
  event.scheduled_id = body.timer_id;
  event.fire_at = fire_at;
  event.has_fire_at = true;
  std::string encoded;
  encode_event(event, encoded);
  deliver(state, *instance, encoded, effects);
  return {};
}

}  // namespace ingot::partition
