#include "tools/ingotd/grpc/convert_history.h"

#include "tools/ingotd/grpc/convert_legacy.h"
#include "tools/ingotd/grpc/convert_span.h"
#include "tools/ingotd/grpc/convert_values.h"

namespace ingot::server {
namespace {

using Kind = HistoryEventKind;

template <typename Event>
void write_data(const HistoryEvent& event, Event* out) {
  if (event.data) out->mutable_input()->set_value(wire_text(*event.data));
}
template <typename Event>
void write_result(const HistoryEvent& event, Event* out) {
  if (event.data) out->mutable_result()->set_value(wire_text(*event.data));
}
// SDKs look into the details without asking whether there are any.
template <typename Event>
void write_details(const HistoryEvent& event, Event* out) {
  write_failure(event.failure.value_or(FailureDetails{}), out->mutable_failuredetails());
}
template <typename Event>
void write_version(const HistoryEvent& event, Event* out) {
  if (!event.version.empty()) out->mutable_version()->set_value(wire_text(event.version));
}
template <typename Event>
void write_context(const HistoryEvent& event, Event* out) {
  if (!event.trace_parent.empty()) {
    write_trace(event.trace_parent, out->mutable_parenttracecontext());
  }
}

void write_parent(const ParentInfo& parent, ::ParentInstanceInfo* out) {
  out->set_taskscheduledid(parent.scheduled_id);
  out->mutable_name()->set_value(wire_text(parent.name));
  ::OrchestrationInstance* instance = out->mutable_orchestrationinstance();
  instance->set_instanceid(parent.instance_id);
  instance->mutable_executionid()->set_value(to_string(parent.execution_id));
}

}  // namespace

void HistoryWriter::write(const HistoryEvent& event, ::HistoryEvent* out) {
  out->set_eventid(event.event_id);
  write_time(event.timestamp, out->mutable_timestamp());
  switch (event.kind) {
    case Kind::execution_started:
      return write_started(event, out->mutable_executionstarted());
    case Kind::orchestrator_started:
      out->mutable_orchestratorstarted();
      return;
    case Kind::execution_completed: {
      ::ExecutionCompletedEvent* completed = out->mutable_executioncompleted();
      completed->set_orchestrationstatus(write_status(event.status));
      write_result(event, completed);
      if (event.failure) write_failure(*event.failure, completed->mutable_failuredetails());
      return;
    }
    case Kind::execution_terminated:
      write_data(event, out->mutable_executionterminated());
      out->mutable_executionterminated()->set_recurse(event.recurse);
      return;
    case Kind::execution_suspended:
      return write_data(event, out->mutable_executionsuspended());
    case Kind::execution_resumed:
      return write_data(event, out->mutable_executionresumed());
    case Kind::execution_rewound:
      if (event.data) {
        out->mutable_executionrewound()->mutable_reason()->set_value(wire_text(*event.data));
      }
      out->mutable_executionrewound();
      return;
    case Kind::continue_as_new:
      return write_data(event, out->mutable_continueasnew());
    case Kind::task_scheduled: {
      ::TaskScheduledEvent* scheduled = out->mutable_taskscheduled();
      scheduled->set_name(event.name);
      write_version(event, scheduled);
      write_data(event, scheduled);
      write_context(event, scheduled);
      write_tags(event.tags, scheduled->mutable_tags());
      return;
    }
    case Kind::task_completed:
      out->mutable_taskcompleted()->set_taskscheduledid(event.scheduled_id);
      return write_result(event, out->mutable_taskcompleted());
    case Kind::task_failed:
      out->mutable_taskfailed()->set_taskscheduledid(event.scheduled_id);
      return write_details(event, out->mutable_taskfailed());
    case Kind::sub_orchestration_created: {
      ::SubOrchestrationInstanceCreatedEvent* created =
          out->mutable_suborchestrationinstancecreated();
      created->set_instanceid(event.instance_id);
      created->set_name(event.name);
      write_version(event, created);
      write_data(event, created);
      write_context(event, created);
      write_tags(event.tags, created->mutable_tags());
      return;
    }
    case Kind::sub_orchestration_completed:
      out->mutable_suborchestrationinstancecompleted()->set_taskscheduledid(event.scheduled_id);
      return write_result(event, out->mutable_suborchestrationinstancecompleted());
    case Kind::sub_orchestration_failed:
      out->mutable_suborchestrationinstancefailed()->set_taskscheduledid(event.scheduled_id);
      return write_details(event, out->mutable_suborchestrationinstancefailed());
    case Kind::timer_created:
      return write_time(event.fire_at.value_or(event.timestamp),
                        out->mutable_timercreated()->mutable_fireat());
    case Kind::timer_fired:
      out->mutable_timerfired()->set_timerid(event.scheduled_id);
      return write_time(event.fire_at.value_or(event.timestamp),
                        out->mutable_timerfired()->mutable_fireat());
    case Kind::event_sent:
      out->mutable_eventsent()->set_instanceid(event.instance_id);
      out->mutable_eventsent()->set_name(event.name);
      return write_data(event, out->mutable_eventsent());
    case Kind::event_raised:
      out->mutable_eventraised()->set_name(event.name);
      return write_data(event, out->mutable_eventraised());
    case Kind::entity_operation_signaled:
    case Kind::entity_operation_called:
    case Kind::entity_operation_completed:
    case Kind::entity_operation_failed:
    case Kind::entity_lock_requested:
    case Kind::entity_lock_granted:
    case Kind::entity_unlock_sent:
      return write_entity_kind(event, out);
  }
}

void HistoryWriter::write_started(const HistoryEvent& event, ::ExecutionStartedEvent* out) {
  instance_id_ = event.instance_id;
  execution_id_ = event.execution_id;
  out->set_name(event.name);
  write_version(event, out);
  write_data(event, out);
  out->mutable_orchestrationinstance()->set_instanceid(event.instance_id);
  out->mutable_orchestrationinstance()->mutable_executionid()->set_value(
      to_string(event.execution_id));
  if (event.parent) write_parent(*event.parent, out->mutable_parentinstance());
  if (event.fire_at) write_time(*event.fire_at, out->mutable_scheduledstarttimestamp());
  write_context(event, out);
  write_tags(event.tags, out->mutable_tags());
}

HistoryWriter::Asked HistoryWriter::asked_of(const HistoryEvent& event) const {
  // An action's own id, or the action that an answer or an unlock is about.
  const std::int32_t action = event.kind == Kind::entity_unlock_sent || event.event_id < 0
                                  ? event.scheduled_id
                                  : event.event_id;
  const auto asked = asked_.find(action);
  Asked result;
  if (event.event_id < 0 && asked != asked_.end()) return asked->second;
  result.legacy = is_legacy(event);
  result.request_id = event.request_id;
  if (result.request_id.empty()) result.request_id = make_request_id(execution_id_, action);
  return result;
}

void HistoryWriter::write_entity_kind(const HistoryEvent& event, ::HistoryEvent* out) {
  const Asked asked = asked_of(event);
  if (event.kind == Kind::entity_operation_called || event.kind == Kind::entity_lock_requested) {
    asked_[event.event_id] = asked;
  }
  if (asked.legacy) return write_legacy_kind(event, out);
  switch (event.kind) {
    case Kind::entity_operation_signaled: {
      ::EntityOperationSignaledEvent* signaled = out->mutable_entityoperationsignaled();
      signaled->set_requestid(asked.request_id);
      signaled->set_operation(event.name);
      signaled->mutable_targetinstanceid()->set_value(event.instance_id);
      if (event.fire_at) write_time(*event.fire_at, signaled->mutable_scheduledtime());
      return write_data(event, signaled);
    }
    case Kind::entity_operation_called: {
      ::EntityOperationCalledEvent* called = out->mutable_entityoperationcalled();
      called->set_requestid(asked.request_id);
      called->set_operation(event.name);
      called->mutable_targetinstanceid()->set_value(event.instance_id);
      return write_data(event, called);
    }
    case Kind::entity_operation_completed: {
      ::EntityOperationCompletedEvent* completed = out->mutable_entityoperationcompleted();
      completed->set_requestid(asked.request_id);
      if (event.data) completed->mutable_output()->set_value(wire_text(*event.data));
      return;
    }
    case Kind::entity_operation_failed:
      out->mutable_entityoperationfailed()->set_requestid(asked.request_id);
      return write_details(event, out->mutable_entityoperationfailed());
    case Kind::entity_lock_requested: {
      ::EntityLockRequestedEvent* requested = out->mutable_entitylockrequested();
      requested->set_criticalsectionid(asked.request_id);
      for (const std::string& id : event.lock_set) requested->add_lockset(id);
      return;
    }
    case Kind::entity_lock_granted:
      out->mutable_entitylockgranted()->set_criticalsectionid(asked.request_id);
      return;
    default: {
      ::EntityUnlockSentEvent* unlock = out->mutable_entityunlocksent();
      unlock->set_criticalsectionid(asked.request_id);
      unlock->mutable_targetinstanceid()->set_value(event.instance_id);
    }
  }
}

void HistoryWriter::write_legacy_kind(const HistoryEvent& event, ::HistoryEvent* out) {
  if (event.event_id >= 0) {
    write_legacy_message(event, instance_id_, execution_id_, out->mutable_eventsent());
  } else {
    write_legacy_answer(event, asked_of(event).request_id, out->mutable_eventraised());
  }
}

void write_orchestration(const OrchestrationWorkItem& item, bool past_events,
                         ::OrchestratorRequest* out) {
  out->set_instanceid(item.instance_id);
  out->mutable_executionid()->set_value(to_string(item.execution_id));
  HistoryWriter writer;
  ::HistoryEvent unsent;
  const std::string* span = nullptr;
  for (const HistoryEvent& event : item.history) {
    writer.write(event, past_events ? out->add_pastevents() : &unsent);
    if (event.kind == HistoryEventKind::orchestrator_started && !event.trace_parent.empty()) {
      span = &event.trace_parent;
    }
  }
  if (span != nullptr) write_span(*span, out->mutable_orchestrationtracecontext());
  for (const HistoryEvent& event : item.new_events) writer.write(event, out->add_newevents());
  out->set_requireshistorystreaming(!past_events && !item.history.empty());
  // Without it .NET takes entities for unsupported; messages never come out of order here.
  out->mutable_entityparameters()->mutable_entitymessagereorderwindow()->set_seconds(0);
}

void write_activity(const ActivityWorkItem& item, ::ActivityRequest* out) {
  out->set_name(item.name);
  if (!item.version.empty()) out->mutable_version()->set_value(wire_text(item.version));
  if (item.input) out->mutable_input()->set_value(wire_text(*item.input));
  out->mutable_orchestrationinstance()->set_instanceid(item.instance_id);
  out->mutable_orchestrationinstance()->mutable_executionid()->set_value(
      to_string(item.execution_id));
  out->set_taskid(item.task_id);
  if (!item.trace_parent.empty()) write_trace(item.trace_parent, out->mutable_parenttracecontext());
  write_tags(item.tags, out->mutable_tags());
}

}  // namespace ingot::server
