#include "partition/work/orchestrator_runner.h"

#include "core/history_codec.h"
#include "partition/state/row.h"

namespace ingot::partition {

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
  if (actions_.size() > environment_.options.payload_bytes_max) {
    limit_payloads(instance.next_action_id);
  }
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

// An action whose payload is over the limit fails the orchestration in its place.
void OrchestratorRunner::limit_payloads(std::int32_t first_action_id) {
  Reader reader(actions_);
  while (reader.more()) {
    const HistoryEventView action = decode_trusted_event(reader);
    if (action.data.size() <= environment_.options.payload_bytes_max) continue;
    FailureDetails details;
    details.type = "PayloadTooLarge";
    details.message = "the payload of action " + std::to_string(action.event_id) + " (" +
                      std::string(to_string(action.kind)) + " '" + std::string(action.name) +
                      "') has " + std::to_string(action.data.size()) + " bytes; the limit is " +
                      std::to_string(environment_.options.payload_bytes_max);
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
