#include "partition/apply/orchestration_end.h"

#include <utility>

#include "core/planted_bug.h"
#include "partition/apply/outgoing.h"
#include "partition/state/row.h"

namespace ingot::partition {
namespace {

using Kind = HistoryEventKind;

// What passes from one execution to the next; replies are for the execution that asked.
bool outlives_execution(Kind kind) {
  return kind == Kind::event_raised || kind == Kind::execution_terminated ||
         kind == Kind::execution_suspended || kind == Kind::execution_resumed;
}

void reply_to_parent(PartitionState& state, const Instance& instance,
                     const HistoryEventView& completed, Timestamp at, Effects& effects) {
  const HistoryEventView started = started_event(instance);
  const std::optional<ParentInfo> parent = decode_parent(started.parent);
  if (!parent || parent->scheduled_id < 0) return;
  if (INGOT_PLANTED(kNoReplyOfFailures) && completed.status != RuntimeStatus::completed) return;
  send_encoded(state, parent->instance_id, child_answer(instance.id, *parent, completed, at),
               effects);
}

void terminate_children(PartitionState& state, const Instance& instance,
                        const HistoryEventView& completed, Timestamp at, Effects& effects) {
  if (instance.awaited.empty()) return;
  HistoryEventView message;
  message.kind = Kind::execution_terminated;
  message.timestamp = at;
  message.data = completed.data;
  message.has_data = completed.has_data;
  message.recurse = true;
  Reader reader(instance.history);
  while (reader.more()) {
    const HistoryEventView event = decode_trusted_event(reader);
    if (event.kind == Kind::sub_orchestration_created &&
        instance.awaited.contains(event.event_id)) {
      send(state, event.instance_id, message, effects);
    }
  }
}

}  // namespace

void end_orchestration(PartitionState& state, Instance& instance, const HistoryEventView& completed,
                       bool recurse, Timestamp at, Effects& effects) {
  state.set_status(instance, completed.status);
  if (!INGOT_PLANTED(kKeepLocks)) release_locks(state, instance, at, effects);
  if (recurse && !INGOT_PLANTED(kOrphanChildren))
    terminate_children(state, instance, completed, at, effects);
  if (instance.has_parent) reply_to_parent(state, instance, completed, at, effects);
  state.detach_tasks(instance);
  const SequenceNumber sequence = instance.sequence;
  effects.push_back(InstanceFinished{sequence, state.finish(instance).row});
}

std::string child_answer(std::string_view child_id, const ParentInfo& parent,
                         const HistoryEventView& completed, Timestamp at) {
  HistoryEventView reply;
  reply.timestamp = at;
  reply.scheduled_id = parent.scheduled_id;
  reply.execution_id = parent.execution_id;
  std::string failure;
  if (completed.status == RuntimeStatus::completed) {
    reply.kind = Kind::sub_orchestration_completed;
    reply.data = completed.data;
    reply.has_data = completed.has_data;
  } else {
    reply.kind = Kind::sub_orchestration_failed;
    reply.failure = completed.failure;
    if (completed.failure.empty()) {
      FailureDetails details;
      details.type = "OrchestrationTerminated";
      details.message = "the sub-orchestration '" + std::string(child_id) + "' was terminated";
      if (!completed.data.empty()) details.message.append(": ").append(completed.data);
      encode_failure(details, failure);
      reply.failure = failure;
    }
  }
  std::string encoded;
  encode_event(reply, encoded);
  return encoded;
}

namespace {

// Ends it as Terminated, without asking its orchestrator; all that is in the inbox is history.
void terminate_now(PartitionState& state, Instance& instance, const HistoryEventView& reason,
                   Timestamp at, Effects& effects) {
  HistoryEventView event;
  event.kind = Kind::orchestrator_started;
  event.timestamp = at;
  encode_event(event, instance.history);
  instance.history.append(instance.inbox);
  state.counters.history_events += instance.inbox_count + 2;
  instance.inbox.clear();
  instance.inbox_count = 0;
  event = {};
  event.kind = Kind::execution_completed;
  event.event_id = instance.next_action_id;
  event.timestamp = at;
  event.status = RuntimeStatus::terminated;
  event.data = reason.data;
  event.has_data = reason.has_data;
  encode_event(event, instance.history);
  instance.updated_at = at;
  end_orchestration(state, instance, event, reason.recurse, at, effects);
}

}  // namespace

void terminate_replaced(PartitionState& state, Instance& instance, Timestamp at, Effects& effects) {
  state.touch(instance);
  HistoryEventView reason;
  reason.data = "replaced by a new instance of this id";
  reason.has_data = true;
  terminate_now(state, instance, reason, at, effects);
}

void terminate_at_once(PartitionState& state, Instance& instance,
                       const HistoryEventView& termination, std::string_view encoded, Timestamp at,
                       Effects& effects) {
  state.touch(instance);
  instance.inbox.append(encoded);
  ++instance.inbox_count;
  terminate_now(state, instance, termination, at, effects);
}

Status continue_as_new(PartitionState& state, Instance& instance, const HistoryEventView& action,
                       const StepCompleted& body, Timestamp at, Effects& effects) {
  release_locks(state, instance, at, effects);
  const HistoryEventView old = started_event(instance);
  HistoryEventView started = old;
  started.timestamp = at;
  started.data = action.data;
  started.has_data = action.has_data;
  if (!action.version.empty()) started.version = action.version;
  if (!action.tags.empty()) started.tags = action.tags;
  started.has_fire_at = false;
  started.execution_id = body.next_execution_id;
  std::string inbox = state.take_buffer();
  encode_event(started, inbox);
  std::uint32_t count = 1;
  Reader carried(INGOT_PLANTED(kDropCarryOver) ? std::string_view() : body.carry_over);
  while (carried.more()) {
    const char* start = carried.at();
    const HistoryEventView event = decode_event(carried);
    if (!carried.ok() || !outlives_execution(event.kind)) {
      return Status(StatusCode::corrupt, "a " + std::string(to_string(event.kind)) +
                                             " event can't be carried over to a new execution");
    }
    inbox.append(start, static_cast<std::size_t>(carried.at() - start));
    ++count;
  }
  Reader left(instance.inbox);
  while (left.more()) {
    const char* start = left.at();
    const HistoryEventView event = decode_trusted_event(left);
    if (!outlives_execution(event.kind) || INGOT_PLANTED(kDropUnconsumed)) continue;
    inbox.append(start, static_cast<std::size_t>(left.at() - start));
    ++count;
  }
  state.detach_tasks(instance);
  if (!INGOT_PLANTED(kTimersOutliveExecution)) state.cancel_timers(instance);
  instance.timers.clear();
  instance.tasks.clear();
  instance.awaited.clear();
  instance.next_action_id = 0;
  if (!INGOT_PLANTED(kKeepGeneration)) ++instance.generation;
  instance.execution_id = body.next_execution_id;
  instance.history.clear();
  instance.inbox = std::move(inbox);
  instance.inbox_count = count;
  instance.control_in_inbox = true;
  state.instances.used(instance);
  effects.push_back(StepReady{instance.sequence});
  return {};
}

}  // namespace ingot::partition
