// StepCompleted: one step of an orchestrator, committed as a whole. The consumed messages move from
// the inbox to the history, the actions join it and take effect.

#include <algorithm>

#include "core/hash.h"
#include "core/try.h"
#include "partition/apply/apply.h"

namespace ingot::partition {
namespace {

Status corrupt_step(const PartitionState& state, std::string_view why) {
  return Status(StatusCode::corrupt, "step at position " + std::to_string(state.applied.value) +
                                         ": " + std::string(why));
}

// Moves the first `count` events of the inbox to the history.
Status consume(PartitionState& state, Instance& instance, std::uint32_t count) {
  if (count > instance.inbox_count) return corrupt_step(state, "consumes more than the inbox has");
  if (count == instance.inbox_count) {
    instance.history.append(instance.inbox);
    instance.inbox.clear();
  } else {
    Reader reader(instance.inbox);
    for (std::uint32_t i = 0; i < count; ++i) static_cast<void>(reader.bytes());
    const std::size_t bytes = instance.inbox.size() - reader.remaining();
    instance.history.append(instance.inbox, 0, bytes);
    instance.inbox.erase(0, bytes);
  }
  instance.inbox_count -= count;
  state.counters.history_events += count;
  return {};
}

struct ActionApplier {
  PartitionState& state;
  Instance& instance;
  const Fact& fact;
  Effects& effects;
  bool finished = false;

  Status apply(const HistoryEventView& action, std::string_view encoded) {
    if (action.event_id < instance.next_action_id) {
      return corrupt_step(state, "action ids are not ascending");
    }
    if (action.event_id > PendingTasks::kIdMax) return corrupt_step(state, "an action id too high");
    instance.next_action_id = action.event_id + 1;
    const std::uint64_t offset = instance.history.size();
    instance.history.append(encoded);
    ++state.counters.history_events;
    switch (action.kind) {
      case HistoryEventKind::task_scheduled:
        instance.tasks.add(action.event_id);
        effects.push_back(
            ActivityScheduled{instance.sequence, instance.generation, action.event_id, offset});
        return {};
      case HistoryEventKind::timer_created:
        if (!action.has_fire_at) return corrupt_step(state, "a timer without a time");
        return add_timer(action.event_id, std::max(action.fire_at, Timestamp{}));
      case HistoryEventKind::event_sent:
        return send(action);
      case HistoryEventKind::execution_completed:
        if (!is_terminal(action.status)) return corrupt_step(state, "completes without an end");
        if (!finished) instance.status = action.status;
        finished = true;
        return {};
      default:
        return corrupt_step(state, std::string(to_string(action.kind)) + " is not an action");
    }
  }

  // A time in the past is due at once; before 1970 it would not sort as a key.
  Status add_timer(std::int32_t id, Timestamp fire_at) {
    instance.timers.push_back({id, fire_at});
    state.agenda.add({fire_at, instance.sequence, id, instance.generation});
    return {};
  }

  Status send(const HistoryEventView& action) {
    if (!validate_instance_id(action.instance_id).ok()) {
      return corrupt_step(state, "an event is sent to an invalid instance id");
    }
    HistoryEventView raised;
    raised.kind = HistoryEventKind::event_raised;
    raised.timestamp = fact.at;
    raised.name = action.name;
    raised.data = action.data;
    raised.has_data = action.has_data;
    std::string encoded;
    encode_event(raised, encoded);
    const PartitionId destination = partition_of(action.instance_id, state.partition_count);
    const std::uint64_t position = state.outbox.append(destination, action.instance_id, encoded);
    effects.push_back(MessageQueued{destination, position});
    return {};
  }
};

void append_orchestrator_started(PartitionState& state, Instance& instance, Timestamp at) {
  HistoryEventView event;
  event.kind = HistoryEventKind::orchestrator_started;
  event.timestamp = at;
  encode_event(event, instance.history);
  ++state.counters.history_events;
}

}  // namespace

Status apply_step_completed(PartitionState& state, const Fact& fact, const StepCompleted& body,
                            Effects& effects) {
  INGOT_ASSIGN(Instance * found, live_instance(state, body.sequence));
  if (found == nullptr || found->generation != body.generation) {
    return corrupt_step(state, "its instance is not alive");
  }
  Instance& instance = *found;
  state.touch(instance);
  if (instance.history.empty()) {
    instance.history.reserve(32 + instance.inbox.size() + body.actions.size());
  }
  append_orchestrator_started(state, instance, fact.at);
  INGOT_TRY(consume(state, instance, body.consumed));
  if (instance.status == RuntimeStatus::pending) {
    instance.status = RuntimeStatus::running;
    effects.push_back(InstanceStarted{instance.sequence});
  }
  instance.updated_at = fact.at;
  if (body.has_custom_status) {
    instance.custom_status = std::make_unique<std::string>(body.custom_status);
  }
  ActionApplier applier{state, instance, fact, effects};
  Reader actions(body.actions);
  while (actions.more()) {
    const char* start = actions.at();
    const HistoryEventView action = decode_event(actions);
    if (!actions.ok()) return corrupt_step(state, "an action can't be decoded");
    INGOT_TRY(applier.apply(action, {start, static_cast<std::size_t>(actions.at() - start)}));
  }
  if (!actions.ok()) return corrupt_step(state, "an action can't be decoded");
  if (applier.finished) {
    const SequenceNumber sequence = instance.sequence;
    effects.push_back(InstanceFinished{sequence, state.finish(instance).row});
    return {};
  }
  state.instances.used(instance);
  if (instance.inbox_count != 0) effects.push_back(StepReady{instance.sequence});
  return {};
}

}  // namespace ingot::partition
