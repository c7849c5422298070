#include "partition/work/orchestrator_runner.h"

#include "core/history_codec.h"
#include "partition/state/row.h"

namespace ingot::partition {
namespace {

// Actions of these kinds need no look at their fields.
bool is_plain(HistoryEventKind kind) {
  return kind == HistoryEventKind::task_scheduled || kind == HistoryEventKind::timer_created ||
         kind == HistoryEventKind::execution_completed;
}

bool is_plain(std::string_view actions) {
  Reader reader(actions);
  while (reader.more()) {
    const std::string_view body = reader.bytes();  // begins with the kind
    if (body.empty() || !is_plain(static_cast<HistoryEventKind>(body.front()))) return false;
  }
  return true;
}

}  // namespace

bool OrchestratorRunner::step(Instance& instance, Session& session) {
  if (!session.execution || session.generation != instance.generation) {
    const OrchestratorFn* orchestrator =
        environment_.registry.find_orchestrator(orchestrator_name(instance));
    if (orchestrator == nullptr) return false;
    session.execution.emplace(*orchestrator);
    session.generation = instance.generation;
    if (!instance.history.empty()) session.execution->replay(instance.history);
  }
  new_events_.clear();
  HistoryEventView started;
  started.kind = HistoryEventKind::orchestrator_started;
  started.timestamp = recorder_.now();
  encode_event(started, new_events_);
  new_events_.append(instance.inbox);

  actions_.clear();
  const StepResult result = session.execution->step(new_events_, actions_);
  refuse_impossible(instance.next_action_id);
  if (!result.finished) sessions_.account(session);

  StepCompleted body;
  body.sequence = instance.sequence;
  body.generation = instance.generation;
  body.consumed = instance.inbox_count;
  body.has_custom_status = result.custom_status.has_value();
  if (result.custom_status) body.custom_status = *result.custom_status;
  body.actions = actions_;
  recorder_.record(body);
  return true;
}

// An action that can't be taken fails the orchestration in its place: never its partition.
void OrchestratorRunner::refuse_impossible(std::int32_t first_action_id) {
  const std::uint64_t limit = environment_.options.payload_bytes_max;
  if (actions_.size() <= limit && is_plain(actions_)) return;
  Reader reader(actions_);
  while (reader.more()) {
    const HistoryEventView action = decode_trusted_event(reader);
    FailureDetails details;
    if (action.data.size() > limit) {
      details.type = "PayloadTooLarge";
      details.message = "the payload has " + std::to_string(action.data.size()) +
                        " bytes; the limit is " + std::to_string(limit);
    } else if (action.kind == HistoryEventKind::event_sent) {
      const Status valid = validate_instance_id(action.instance_id);
      if (valid.ok()) continue;
      details.type = "InvalidAction";
      details.message = valid.message();
    } else if (!is_plain(action.kind)) {
      details.type = "UnsupportedAction";
      details.message = "this version can't do that";
    } else {
      continue;
    }
    details.message = "action " + std::to_string(action.event_id) + " (" +
                      std::string(to_string(action.kind)) + " '" + std::string(action.name) +
                      "'): " + details.message;
    details.non_retriable = true;
    std::string failure;
    encode_failure(details, failure);
    HistoryEventView completed;
    completed.kind = HistoryEventKind::execution_completed;
    completed.event_id = first_action_id;
    completed.timestamp = recorder_.now();
    completed.status = RuntimeStatus::failed;
    completed.failure = failure;
    actions_.clear();
    encode_event(completed, actions_);
    return;
  }
}

}  // namespace ingot::partition
