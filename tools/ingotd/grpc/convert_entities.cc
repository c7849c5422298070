#include "tools/ingotd/grpc/convert_entities.h"

#include <algorithm>
#include <utility>

#include "core/hash.h"
#include "core/random.h"
#include "core/try.h"
#include "tools/ingotd/grpc/convert_actions.h"
#include "tools/ingotd/grpc/convert_values.h"

namespace ingot::server {
namespace {

using Kind = HistoryEventKind;

Status invalid(std::string why) { return Status(StatusCode::invalid_argument, std::move(why)); }

// .NET parses request ids as GUIDs. A client's signal has none, and no sender's execution either.
std::string request_id_of(const HistoryEvent& operation, std::size_t ordinal) {
  if (!operation.request_id.empty()) return operation.request_id;
  if (!operation.execution_id.empty()) {
    return make_request_id(operation.execution_id, operation.scheduled_id);
  }
  const auto time = static_cast<std::uint64_t>(operation.timestamp.time_since_epoch().count());
  return make_request_id({time, hash64(operation.name)}, static_cast<std::int32_t>(ordinal));
}

// The answer to the caller, without its kind and content.
HistoryEvent answer_to(const HistoryEvent& call) {
  HistoryEvent answer;
  answer.instance_id = call.instance_id;
  answer.execution_id = call.execution_id;
  answer.scheduled_id = call.scheduled_id;
  return answer;
}

HistoryEvent failed(const HistoryEvent& call, FailureDetails failure) {
  HistoryEvent answer = answer_to(call);
  answer.kind = Kind::entity_operation_failed;
  answer.failure = std::move(failure);
  return answer;
}

Result<HistoryEvent> read_result(const ::OperationResult& result, const HistoryEvent& call) {
  switch (result.resultType_case()) {
    case ::OperationResult::kSuccess: {
      HistoryEvent answer = answer_to(call);
      answer.kind = Kind::entity_operation_completed;
      answer.data = text_if(result.success().has_result(), result.success().result());
      return answer;
    }
    case ::OperationResult::kFailure:
      return failed(call, read_failure(result.failure().failuredetails()));
    case ::OperationResult::RESULTTYPE_NOT_SET:
      break;
  }
  return invalid("is neither a success nor a failure");
}

Result<HistoryEvent> read_operation_action(const ::OperationAction& action) {
  HistoryEvent event;
  switch (action.operationActionType_case()) {
    case ::OperationAction::kSendSignal: {
      const ::SendSignalAction& signal = action.sendsignal();
      event.kind = Kind::entity_operation_signaled;
      INGOT_ASSIGN(event.instance_id,
                   read_entity_id("sendSignal: instanceId", signal.instanceid()));
      event.name = signal.name();
      event.data = text_if(signal.has_input(), signal.input());
      if (signal.has_scheduledtime()) event.fire_at = read_time(signal.scheduledtime());
      if (signal.has_parenttracecontext()) {
        event.trace_parent = read_trace(signal.parenttracecontext());
      }
      return event;
    }
    case ::OperationAction::kStartNewOrchestration: {
      const ::StartNewOrchestrationAction& start = action.startneworchestration();
      event.kind = Kind::execution_started;
      event.instance_id = start.instanceid();
      if (event.instance_id.empty()) event.instance_id = to_string({entropy64(), entropy64()});
      event.name = start.name();
      event.version = text_or_empty(start.has_version(), start.version());
      event.data = text_if(start.has_input(), start.input());
      if (start.has_scheduledtime()) event.fire_at = read_time(start.scheduledtime());
      if (start.has_parenttracecontext()) {
        event.trace_parent = read_trace(start.parenttracecontext());
      }
      return event;
    }
    case ::OperationAction::OPERATIONACTIONTYPE_NOT_SET:
      break;
  }
  return invalid("this server does not know such an action");
}

}  // namespace

void write_entity(const EntityWorkItem& item, ::EntityRequest* out) {
  out->set_instanceid(item.instance_id);
  if (item.state) out->mutable_entitystate()->set_value(wire_text(*item.state));
  std::size_t ordinal = 0;
  for (const HistoryEvent& operation : item.operations) {
    ::HistoryEvent* event = out->add_operationrequests();
    event->set_eventid(-1);
    write_time(operation.timestamp, event->mutable_timestamp());
    const std::string request_id = request_id_of(operation, ordinal++);
    if (operation.kind == Kind::entity_operation_signaled) {
      ::EntityOperationSignaledEvent* signaled = event->mutable_entityoperationsignaled();
      signaled->set_requestid(request_id);
      signaled->set_operation(operation.name);
      if (operation.data) signaled->mutable_input()->set_value(wire_text(*operation.data));
      if (operation.fire_at) write_time(*operation.fire_at, signaled->mutable_scheduledtime());
    } else {
      ::EntityOperationCalledEvent* called = event->mutable_entityoperationcalled();
      called->set_requestid(request_id);
      called->set_operation(operation.name);
      if (operation.data) called->mutable_input()->set_value(wire_text(*operation.data));
      called->mutable_parentinstanceid()->set_value(operation.instance_id);
      called->mutable_parentexecutionid()->set_value(to_string(operation.execution_id));
    }
  }
}

void write_entity(const EntityWorkItem& item, ::EntityBatchRequest* out) {
  out->set_instanceid(item.instance_id);
  if (item.state) out->mutable_entitystate()->set_value(wire_text(*item.state));
  std::size_t ordinal = 0;
  for (const HistoryEvent& operation : item.operations) {
    ::OperationRequest* request = out->add_operations();
    request->set_operation(operation.name);
    request->set_requestid(request_id_of(operation, ordinal++));
    if (operation.data) request->mutable_input()->set_value(wire_text(*operation.data));
    if (!operation.trace_parent.empty()) {
      write_trace(operation.trace_parent, request->mutable_tracecontext());
    }
  }
}

Result<EntityOutcome> read_entity_result(const ::EntityBatchResult& result,
                                         const EntityWorkItem& item) {
  const auto count = static_cast<std::size_t>(result.results_size());
  if (count > item.operations.size()) {
    return invalid(std::to_string(count) + " results for " +
                   std::to_string(item.operations.size()) + " operations");
  }
  EntityOutcome outcome;
  outcome.state = text_if(result.has_entitystate(), result.entitystate());
  for (std::size_t i = 0; i < item.operations.size(); ++i) {
    const HistoryEvent& operation = item.operations[i];
    if (operation.kind != Kind::entity_operation_called) continue;
    if (i < count) {
      Result<HistoryEvent> answer = read_result(result.results(static_cast<int>(i)), operation);
      if (!answer.ok()) return answer.status().with_context("result " + std::to_string(i));
      outcome.actions.push_back(*std::move(answer));
    } else if (result.has_failuredetails()) {
      outcome.actions.push_back(failed(operation, read_failure(result.failuredetails())));
    }
  }
  if (!result.has_failuredetails()) {
    outcome.operations_max = static_cast<std::uint32_t>(count);
  } else if (count == 0) {
    outcome.state = item.state;
  }
  for (const ::OperationAction& action : result.actions()) {
    Result<HistoryEvent> event = read_operation_action(action);
    if (!event.ok()) return event.status().with_context("action " + std::to_string(action.id()));
    outcome.actions.push_back(*std::move(event));
  }
  return outcome;
}

Result<EntityId> read_signal_target(const ::SignalEntityRequest& request) {
  INGOT_ASSIGN(const std::string id, read_entity_id("instanceId", request.instanceid()));
  const auto length = static_cast<std::size_t>(std::count_if(
      id.begin(), id.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
  if (length > kClientEntityIdMax) {
    return invalid("instanceId: its length is " + std::to_string(length) + " characters; at most " +
                   std::to_string(kClientEntityIdMax) + " are possible");
  }
  return parse_entity_id(id);
}

SignalOptions read_signal(const ::SignalEntityRequest& request) {
  SignalOptions options;
  if (request.has_scheduledtime()) options.at = read_time(request.scheduledtime());
  if (request.has_parenttracecontext()) {
    options.trace_parent = read_trace(request.parenttracecontext());
  }
  // The client's GUID names the signal: one that is repeated is carried out once.
  if (!request.requestid().empty()) options.request_id = hash64(request.requestid()) | 1;
  return options;
}

EntityQuery read_entity_query(const ::EntityQuery& query) {
  EntityQuery result;
  result.prefix = query.instanceidstartswith().value();
  if (query.has_lastmodifiedfrom()) result.updated_from = read_time(query.lastmodifiedfrom());
  if (query.has_lastmodifiedto()) result.updated_to = read_time(query.lastmodifiedto());
  result.include_state = query.includestate();
  result.include_transient = query.includetransient();
  const std::int32_t size = query.pagesize().value();
  if (size > 0) result.page_size = static_cast<std::uint32_t>(std::min(size, 1000));
  result.continuation_token = query.continuationtoken().value();
  return result;
}

void write_entity_state(const EntityState& state, ::EntityMetadata* out) {
  out->set_instanceid(to_string(state.id));
  write_time(state.last_updated_at, out->mutable_lastmodifiedtime());
  out->set_backlogqueuesize(
      static_cast<std::int32_t>(std::min<std::uint32_t>(state.queued_operations, INT32_MAX)));
  if (!state.locked_by.empty()) out->mutable_lockedby()->set_value(state.locked_by);
  if (state.state) out->mutable_serializedstate()->set_value(wire_text(*state.state));
}

}  // namespace ingot::server
