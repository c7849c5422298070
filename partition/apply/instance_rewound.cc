// InstanceRewound: a failed instance lives again, with a history that has not failed. Its failed
// children are asked to do the same; what else it waits for is asked for again.

#include <map>

#include "core/hash.h"
#include "core/planted_bug.h"
#include "core/try.h"
#include "partition/apply/apply.h"
#include "partition/apply/outgoing.h"
#include "partition/state/row.h"

namespace ingot::partition {
namespace {

using Kind = HistoryEventKind;

// What the history still waits for: activities run again, failed children are rewound, calls of
// entities are made again, for an answer that came meanwhile is lost.
void send_pending_again(PartitionState& state, const Instance& instance, Timestamp at,
                        Effects& effects) {
  for_each_pending_task(instance, [&](std::int32_t id, std::uint64_t offset) {
    effects.push_back(ActivityScheduled{instance.sequence, instance.generation, id, offset});
  });
  // A foreign runtime may have used an id before: its last event counts.
  std::map<std::int32_t, HistoryEventView> asked;
  Reader history(instance.history);
  while (history.more()) {
    const HistoryEventView event = decode_trusted_event(history);
    if (event.kind != Kind::sub_orchestration_created &&
        event.kind != Kind::entity_operation_called) {
      continue;
    }
    if (instance.awaited.contains(event.event_id)) asked[event.event_id] = event;
  }
  if (instance.locks != nullptr) send_lock_request(state, instance, at, effects);
  for (const auto& [id, event] : asked) {
    if (event.kind == Kind::entity_operation_called) {
      send_call(state, instance, event, at, effects);
      continue;
    }
    HistoryEventView message;
    message.kind = Kind::execution_rewound;
    message.timestamp = at;
    message.scheduled_id = id;
    sign(message, instance);
    send(state, event.instance_id, message, effects);
  }
}

}  // namespace

Status apply_instance_rewound(PartitionState& state, const Fact& fact, const InstanceRewound& body,
                              Effects& effects) {
  state.requests.add(body.request_id);
  INGOT_ASSIGN(std::unique_ptr<Instance> rewound, decode_row(body.row));
  rewound->id_hash = hash64(rewound->id);
  if (rewound->entity != nullptr || rewound->status != RuntimeStatus::running ||
      rewound->sequence != state.last_sequence.plus(1) ||
      state.instances.find(rewound->id_hash, rewound->id) != nullptr ||
      state.count(RuntimeStatus::failed) == 0 || rewound->inbox_count == 0 || body.old.value == 0 ||
      body.old >= rewound->sequence) {
    return Status(StatusCode::corrupt, "'" + rewound->id + "' is rewound, but has not failed");
  }
  ++state.last_sequence;
  Instance& instance = state.instances.insert(std::move(rewound));
  --state.count(RuntimeStatus::failed);
  ++state.count(RuntimeStatus::running);
  --state.counters.finished;
  state.touch(instance);
  // It waits for them itself again.
  state.detached.remove_execution(body.old, instance.generation);
  for (const PendingTimer& timer : instance.timers) {
    state.agenda.add({timer.fire_at, instance.sequence, timer.id, instance.generation});
  }
  if (!INGOT_PLANTED(kRewindStartsNothing)) send_pending_again(state, instance, fact.at, effects);
  if (!instance.blocked()) effects.push_back(StepReady{instance.sequence});
  return {};
}

}  // namespace ingot::partition
