#include "tools/ingotd/http/views.h"

namespace ingot::server {
namespace {

void write_tags(JsonWriter& json, const std::vector<std::pair<std::string, std::string>>& tags) {
  if (tags.empty()) return;
  json.key("tags").begin_object();
  for (const auto& [key, value] : tags) json.member(key, value);
  json.end_object();
}

void write_payload(JsonWriter& json, std::string_view name,
                   const std::optional<std::string>& payload, PayloadForm form) {
  json.key(name);
  payload ? json.payload(*payload, form) : json.null();
}

void write_time(JsonWriter& json, std::string_view name, const std::optional<Timestamp>& time) {
  if (time) json.member(name, *time);
}

// What the `data` of a kind is.
std::string_view data_name(HistoryEventKind kind) {
  switch (kind) {
    case HistoryEventKind::task_completed:
    case HistoryEventKind::sub_orchestration_completed:
    case HistoryEventKind::entity_operation_completed:
    case HistoryEventKind::execution_completed:
      return "result";
    case HistoryEventKind::execution_terminated:
    case HistoryEventKind::execution_suspended:
    case HistoryEventKind::execution_resumed:
    case HistoryEventKind::execution_rewound:
      return "reason";
    default:
      return "input";
  }
}

}  // namespace

void write_failure(JsonWriter& json, const FailureDetails& failure) {
  json.begin_object();
  json.member("errorType", failure.type).member("errorMessage", failure.message);
  json.member("isNonRetriable", failure.non_retriable);
  if (!failure.inner.empty()) {
    json.key("innerFailure");
    write_failure(json, failure.inner.front());  // nested at most kInnerFailuresMax deep
  }
  json.end_object();
}

void write_instance(JsonWriter& json, const InstanceState& state, const InstanceView& view) {
  json.member("instanceId", state.instance_id);
  json.member("executionId", to_string(state.execution_id));
  json.member("name", state.name);
  if (!state.version.empty()) json.member("version", state.version);
  json.member("runtimeStatus", to_string(state.status));
  json.member("createdTime", state.created_at);
  json.member("lastUpdatedTime", state.last_updated_at);
  write_time(json, "completedTime", state.completed_at);
  write_time(json, "scheduledTime", state.scheduled_start);
  if (state.parent_instance_id) json.member("parentInstanceId", *state.parent_instance_id);
  write_tags(json, state.tags);
  if (view.input) write_payload(json, "input", state.input, view.form);
  if (!view.output) return;
  write_payload(json, "customStatus", state.custom_status, view.form);
  write_payload(json, "output", state.output, view.form);
  if (state.failure) {
    json.key("failureDetails");
    write_failure(json, *state.failure);
  }
}

void write_event(JsonWriter& json, const HistoryEvent& event, bool payloads, PayloadForm form) {
  json.begin_object();
  json.member("eventType", to_string(event.kind));
  json.member("timestamp", event.timestamp);
  if (event.event_id >= 0) json.member("eventId", event.event_id);
  if (event.scheduled_id >= 0) json.member("taskScheduledId", event.scheduled_id);
  if (!event.name.empty()) json.member("name", event.name);
  if (!event.instance_id.empty()) json.member("instanceId", event.instance_id);
  if (!event.execution_id.empty()) json.member("executionId", to_string(event.execution_id));
  write_time(json, "fireAt", event.fire_at);
  if (event.kind == HistoryEventKind::execution_completed) {
    json.member("orchestrationStatus", to_string(event.status));
  }
  if (event.recurse) json.member("recurse", true);
  if (event.parent) {
    json.key("parent").begin_object();
    json.member("instanceId", event.parent->instance_id).member("name", event.parent->name);
    json.member("taskScheduledId", event.parent->scheduled_id).end_object();
  }
  if (!event.version.empty()) json.member("version", event.version);
  write_tags(json, event.tags);
  if (!event.lock_set.empty()) {
    json.key("lockSet").begin_array();
    for (const std::string& id : event.lock_set) json.value(id);
    json.end_array();
  }
  if (event.failure) {
    json.key("failureDetails");
    write_failure(json, *event.failure);
  }
  if (payloads && event.data) {
    json.key(data_name(event.kind)).payload(*event.data, form);
  }
  json.end_object();
}

void write_entity(JsonWriter& json, const EntityState& entity, PayloadForm form) {
  json.begin_object();
  json.key("entityId").begin_object();
  json.member("name", entity.id.name).member("key", entity.id.key).end_object();
  json.member("createdTime", entity.created_at);
  json.member("lastOperationTime", entity.last_updated_at);
  json.member("queuedOperations", entity.queued_operations);
  if (!entity.locked_by.empty()) json.member("lockedBy", entity.locked_by);
  json.member("hasState", entity.has_state);
  if (entity.state) json.key("state").payload(*entity.state, form);
  json.end_object();
}

}  // namespace ingot::server
