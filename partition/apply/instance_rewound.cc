// InstanceRewound: a failed instance lives again, with a history that has not failed. Its failed
// children are asked to do the same.

#include "core/hash.h"
#include "core/try.h"
#include "partition/apply/apply.h"
#include "partition/apply/outgoing.h"
#include "partition/state/row.h"

namespace ingot::partition {

Status apply_instance_rewound(PartitionState& state, const Fact& fact, const InstanceRewound& body,
                              Effects& effects) {
  state.requests.add(body.request_id);
  INGOT_ASSIGN(std::unique_ptr<Instance> rewound, decode_row(body.row));
  rewound->id_hash = hash64(rewound->id);
  if (rewound->entity != nullptr || rewound->status != RuntimeStatus::running ||
      rewound->sequence != state.last_sequence.plus(1) ||
      state.instances.find(rewound->id_hash, rewound->id) != nullptr ||
      state.count(RuntimeStatus::failed) == 0 || rewound->inbox_count == 0) {
    return Status(StatusCode::corrupt, "'" + rewound->id + "' is rewound, but has not failed");
  }
  ++state.last_sequence;
  Instance& instance = state.instances.insert(std::move(rewound));
  --state.count(RuntimeStatus::failed);
  ++state.count(RuntimeStatus::running);
  --state.counters.finished;
  state.touch(instance);
  for (const PendingTimer& timer : instance.timers) {
    state.agenda.add({timer.fire_at, instance.sequence, timer.id, instance.generation});
  }
  Reader history(instance.history);
  HistoryEventView message;
  message.kind = HistoryEventKind::execution_rewound;
  message.timestamp = fact.at;
  while (history.more()) {
    const std::size_t offset = instance.history.size() - history.remaining();
    const HistoryEventView event = decode_trusted_event(history);
    if (event.kind == HistoryEventKind::task_scheduled && instance.tasks.contains(event.event_id)) {
      effects.push_back(
          ActivityScheduled{instance.sequence, instance.generation, event.event_id, offset});
    } else if (event.kind == HistoryEventKind::sub_orchestration_created &&
               instance.awaited.contains(event.event_id)) {
      send(state, event.instance_id, message, effects);
    }
  }
  effects.push_back(StepReady{instance.sequence});
  return {};
}

}  // namespace ingot::partition
