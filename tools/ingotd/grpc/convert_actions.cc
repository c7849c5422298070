#include "tools/ingotd/grpc/convert_actions.h"

#include <ingot/entity_id.h>

#include <algorithm>
#include <utility>

#include "core/try.h"
#include "tools/ingotd/grpc/convert_legacy.h"
#include "tools/ingotd/grpc/convert_span.h"
#include "tools/ingotd/grpc/convert_values.h"

namespace ingot::server {
namespace {

using Kind = HistoryEventKind;

Status invalid(std::string why) { return Status(StatusCode::invalid_argument, std::move(why)); }

// The members that several messages share.
template <typename Message>
void read_call(const Message& from, HistoryEvent& to) {
  to.name = from.name();
  to.version = text_or_empty(from.has_version(), from.version());
  to.data = text_if(from.has_input(), from.input());
  to.tags = read_tags(from.tags());
  if (from.has_parenttracecontext()) to.trace_parent = read_trace(from.parenttracecontext());
}

template <typename Message>
Status read_operation(const Message& from, HistoryEvent& to) {
  INGOT_ASSIGN(to.instance_id, read_entity_id("targetInstanceId", from.targetinstanceid().value()));
  to.name = from.operation();
  to.data = text_if(from.has_input(), from.input());
  to.request_id = from.requestid();
  return {};
}

Status read_lock_request(const ::EntityLockRequestedEvent& from, HistoryEvent& to) {
  to.request_id = from.criticalsectionid();
  for (const std::string& id : from.lockset()) {
    INGOT_ASSIGN(std::string entity, read_entity_id("lockSet", id));
    to.lock_set.push_back(std::move(entity));
  }
  std::sort(to.lock_set.begin(), to.lock_set.end());
  to.lock_set.erase(std::unique(to.lock_set.begin(), to.lock_set.end()), to.lock_set.end());
  return {};
}

Status read_unlock(const ::EntityUnlockSentEvent& from, HistoryEvent& to) {
  INGOT_ASSIGN(to.instance_id, read_entity_id("targetInstanceId", from.targetinstanceid().value()));
  to.request_id = from.criticalsectionid();
  return {};
}

Status read_entity_message(const ::SendEntityMessageAction& from, HistoryEvent& to) {
  switch (from.EntityMessageType_case()) {
    case ::SendEntityMessageAction::kEntityOperationSignaled:
      to.kind = Kind::entity_operation_signaled;
      if (from.entityoperationsignaled().has_scheduledtime()) {
        to.fire_at = read_time(from.entityoperationsignaled().scheduledtime());
      }
      return read_operation(from.entityoperationsignaled(), to);
    case ::SendEntityMessageAction::kEntityOperationCalled:
      to.kind = Kind::entity_operation_called;
      return read_operation(from.entityoperationcalled(), to);
    case ::SendEntityMessageAction::kEntityLockRequested:
      to.kind = Kind::entity_lock_requested;
      return read_lock_request(from.entitylockrequested(), to);
    case ::SendEntityMessageAction::kEntityUnlockSent:
      to.kind = Kind::entity_unlock_sent;
      return read_unlock(from.entityunlocksent(), to);
    case ::SendEntityMessageAction::ENTITYMESSAGETYPE_NOT_SET:
      break;
  }
  return invalid("its entity message is of no kind that this server knows");
}

Status read_send_event(const ::SendEventAction& from, HistoryEvent& to) {
  INGOT_ASSIGN(std::optional<HistoryEvent> message, read_legacy_message(from));
  if (message) {
    message->event_id = to.event_id;
    to = *std::move(message);
    return {};
  }
  to.kind = Kind::event_sent;
  to.instance_id = from.instance().instanceid();
  to.name = from.name();
  to.data = text_if(from.has_data(), from.data());
  return {};
}

Result<HistoryEvent> read_carried(const ::HistoryEvent& from) {
  HistoryEvent to;
  if (from.has_timestamp()) to.timestamp = read_time(from.timestamp());
  switch (from.eventType_case()) {
    case ::HistoryEvent::kEventRaised:
      to.kind = Kind::event_raised;
      to.name = from.eventraised().name();
      to.data = text_if(from.eventraised().has_input(), from.eventraised().input());
      return to;
    case ::HistoryEvent::kExecutionSuspended:
      to.kind = Kind::execution_suspended;
      to.data = text_if(from.executionsuspended().has_input(), from.executionsuspended().input());
      return to;
    case ::HistoryEvent::kExecutionResumed:
      to.kind = Kind::execution_resumed;
      to.data = text_if(from.executionresumed().has_input(), from.executionresumed().input());
      return to;
    case ::HistoryEvent::kExecutionTerminated:
      to.kind = Kind::execution_terminated;
      to.data = text_if(from.executionterminated().has_input(), from.executionterminated().input());
      to.recurse = from.executionterminated().recurse();
      return to;
    default:
      return invalid("an event of kind " + std::to_string(from.eventType_case()) +
                     " can't be carried over; only raised events and control messages can");
  }
}

Status read_completion(const ::CompleteOrchestrationAction& from, HistoryEvent& to,
                       OrchestrationOutcome& outcome) {
  to.data = text_if(from.has_result(), from.result());
  const int number = from.orchestrationstatus();
  if (number == ::ORCHESTRATION_STATUS_CONTINUED_AS_NEW) {
    to.kind = Kind::continue_as_new;
    to.version = text_or_empty(from.has_newversion(), from.newversion());
    to.tags = read_tags(from.tags());
    for (const ::HistoryEvent& event : from.carryoverevents()) {
      INGOT_ASSIGN(HistoryEvent carried, read_carried(event));
      outcome.carry_over.push_back(std::move(carried));
    }
    return {};
  }
  to.kind = Kind::execution_completed;
  INGOT_ASSIGN(to.status, read_status("orchestrationStatus", number));
  if (number == ::ORCHESTRATION_STATUS_CANCELED) to.status = RuntimeStatus::terminated;
  if (!is_terminal(to.status)) {
    return invalid("orchestrationStatus: an orchestration does not complete as " +
                   std::string(to_string(to.status)));
  }
  if (from.has_failuredetails()) {
    to.failure = read_failure(from.failuredetails());
  } else if (to.status == RuntimeStatus::failed) {
    to.failure = FailureDetails{"OrchestrationFailed",
                                from.has_details() ? from.details().value() : from.result().value(),
                                false,
                                {}};
  }
  return {};
}

std::string_view name_of(const ::OrchestratorAction& action) {
  switch (action.orchestratorActionType_case()) {
    case ::OrchestratorAction::kScheduleTask:
      return "scheduleTask";
    case ::OrchestratorAction::kCreateSubOrchestration:
      return "createSubOrchestration";
    case ::OrchestratorAction::kCreateTimer:
      return "createTimer";
    case ::OrchestratorAction::kSendEvent:
      return "sendEvent";
    case ::OrchestratorAction::kCompleteOrchestration:
      return "completeOrchestration";
    case ::OrchestratorAction::kTerminateOrchestration:
      return "terminateOrchestration";
    case ::OrchestratorAction::kSendEntityMessage:
      return "sendEntityMessage";
    case ::OrchestratorAction::kRewindOrchestration:
      return "rewindOrchestration";
    case ::OrchestratorAction::ORCHESTRATORACTIONTYPE_NOT_SET:
      break;
  }
  return "of unknown type";
}

Status read_action(const ::OrchestratorAction& from, HistoryEvent& to,
                   OrchestrationOutcome& outcome) {
  to.event_id = from.id();
  switch (from.orchestratorActionType_case()) {
    case ::OrchestratorAction::kScheduleTask:
      to.kind = Kind::task_scheduled;
      read_call(from.scheduletask(), to);
      return {};
    case ::OrchestratorAction::kCreateSubOrchestration:
      to.kind = Kind::sub_orchestration_created;
      to.instance_id = from.createsuborchestration().instanceid();
      read_call(from.createsuborchestration(), to);
      return {};
    case ::OrchestratorAction::kCreateTimer:
      to.kind = Kind::timer_created;
      if (!from.createtimer().has_fireat()) return invalid("it has no fireAt");
      to.fire_at = read_time(from.createtimer().fireat());
      return {};
    case ::OrchestratorAction::kSendEvent:
      return read_send_event(from.sendevent(), to);
    case ::OrchestratorAction::kCompleteOrchestration:
      return read_completion(from.completeorchestration(), to, outcome);
    case ::OrchestratorAction::kTerminateOrchestration:
      to.kind = Kind::execution_terminated;
      to.instance_id = from.terminateorchestration().instanceid();
      to.data = text_if(from.terminateorchestration().has_reason(),
                        from.terminateorchestration().reason());
      to.recurse = from.terminateorchestration().recurse();
      return {};
    case ::OrchestratorAction::kSendEntityMessage:
      return read_entity_message(from.sendentitymessage(), to);
    case ::OrchestratorAction::kRewindOrchestration:
      return invalid("this server rewinds instances itself and takes no history from a worker");
    case ::OrchestratorAction::ORCHESTRATORACTIONTYPE_NOT_SET:
      break;
  }
  return invalid("this server does not know such an action");
}

bool completes(const HistoryEvent& action) {
  return action.kind == Kind::execution_completed || action.kind == Kind::continue_as_new;
}

}  // namespace

Result<OrchestrationOutcome> read_outcome(const ::OrchestratorResponse& response) {
  OrchestrationOutcome outcome;
  for (const ::OrchestratorAction& action : response.actions()) {
    HistoryEvent& event = outcome.actions.emplace_back();
    if (const Status read = read_action(action, event, outcome); !read.ok()) {
      return read.with_context("action " + std::to_string(action.id()) + " (" +
                               std::string(name_of(action)) + ")");
    }
  }
  std::stable_sort(outcome.actions.begin(), outcome.actions.end(),
                   [](const HistoryEvent& a, const HistoryEvent& b) {
                     if (completes(a) != completes(b)) return completes(b);
                     return a.event_id < b.event_id;
                   });
  if (std::string span = read_span(response.orchestrationtracecontext()); !span.empty()) {
    HistoryEvent& started = outcome.actions.emplace_back();
    started.kind = HistoryEventKind::orchestrator_started;
    started.trace_parent = std::move(span);
  }
  outcome.custom_status = text_if(response.has_customstatus(), response.customstatus());
  if (response.has_numeventsprocessed()) {
    // The first of the events that were sent, OrchestratorStarted, is no message.
    outcome.messages_max =
        static_cast<std::uint32_t>(std::max(response.numeventsprocessed().value(), 2) - 1);
  }
  return outcome;
}

Result<std::string> read_entity_id(std::string_view field, std::string_view id) {
  const Result<EntityId> parsed = parse_entity_id(id);
  if (!parsed.ok()) return parsed.status().with_context(field);
  return to_string(*parsed);
}

}  // namespace ingot::server
