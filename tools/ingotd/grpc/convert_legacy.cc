#include "tools/ingotd/grpc/convert_legacy.h"

#include <ingot/entity_id.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/try.h"
#include "tools/ingotd/grpc/convert_actions.h"
#include "tools/ingotd/grpc/convert_values.h"
#include "tools/iso_time.h"

namespace ingot::server {
namespace {

using Json = nlohmann::ordered_json;
using Kind = HistoryEventKind;

constexpr std::string_view kLocksGranted = "Lock Acquisition Completed";

Status invalid(std::string why) { return Status(StatusCode::invalid_argument, std::move(why)); }

std::optional<std::string> text_of(const Json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_string()) return std::nullopt;
  return member->get<std::string>();
}

// .NET's round-trip form of a time in UTC: it has seven digits.
std::string format_time(Timestamp time) {
  std::string text = tools::format_time(time);
  text.insert(text.size() - 1, "0");
  return text;
}

Status read_lock_set(const Json& ids, HistoryEvent& to) {
  for (const Json& id : ids) {
    std::optional<std::string> name;
    std::optional<std::string> key;
    if (id.is_object()) {
      name = text_of(id, "name");
      key = text_of(id, "key");
    }
    if (!name || !key) return invalid("lockset: an element without a name and a key");
    INGOT_ASSIGN(std::string entity, read_entity_id("lockset", to_string(EntityId(*name, *key))));
    to.lock_set.push_back(std::move(entity));
  }
  std::sort(to.lock_set.begin(), to.lock_set.end());
  to.lock_set.erase(std::unique(to.lock_set.begin(), to.lock_set.end()), to.lock_set.end());
  to.instance_id.clear();
  to.kind = Kind::entity_lock_requested;
  return {};
}

Status read_operation(const std::string& event_name, const Json& message, HistoryEvent& to) {
  const auto lock_set = message.find("lockset");
  if (lock_set != message.end() && lock_set->is_array()) return read_lock_set(*lock_set, to);
  const std::optional<std::string> operation = text_of(message, "op");
  if (!operation) return invalid("an entity message without an operation");
  to.name = *operation;
  to.data = text_of(message, "input");
  const auto signal = message.find("signal");
  const bool one_way = signal != message.end() && signal->is_boolean() && signal->get<bool>();
  to.kind = one_way ? Kind::entity_operation_signaled : Kind::entity_operation_called;
  if (one_way && event_name.size() > 2) {
    to.fire_at = tools::parse_time(event_name.substr(3));
    if (!to.fire_at) return invalid("'" + event_name + "' names no time");
  }
  return {};
}

Json json_of(const FailureDetails& failure) {
  return {{"ErrorType", wire_text(failure.type)},
          {"ErrorMessage", wire_text(failure.message)},
          {"StackTrace",
           failure.stack_trace.empty() ? Json(nullptr) : Json(wire_text(failure.stack_trace))},
          {"InnerFailure", failure.inner.empty() ? Json(nullptr) : json_of(failure.inner.front())},
          {"IsNonRetriable", failure.non_retriable}};
}

}  // namespace

Result<std::optional<HistoryEvent>> read_legacy_message(const ::SendEventAction& action) {
  const std::string& name = action.name();
  const bool operation = name == "op" || name.starts_with("op@");
  const std::string& target = action.instance().instanceid();
  if ((!operation && name != "release") || !is_entity_id(target)) {
    return std::optional<HistoryEvent>();
  }
  const Json message = Json::parse(action.data().value(), nullptr, false);
  const std::optional<std::string> id = message.is_object() ? text_of(message, "id") : std::nullopt;
  if (!id) return std::optional<HistoryEvent>();
  HistoryEvent event;
  event.request_id = *id;
  INGOT_ASSIGN(event.instance_id, read_entity_id("instanceId", target));
  event.tags.emplace_back(kLegacyTag, "1");
  if (operation) {
    INGOT_TRY(read_operation(name, message, event));
  } else {
    event.kind = Kind::entity_unlock_sent;
  }
  return std::optional<HistoryEvent>(std::move(event));
}

bool is_legacy(const HistoryEvent& event) {
  return std::any_of(event.tags.begin(), event.tags.end(),
                     [](const auto& tag) { return tag.first == kLegacyTag; });
}

void write_legacy_message(const HistoryEvent& event, const std::string& instance_id,
                          ExecutionId execution_id, ::EventSentEvent* out) {
  Json message;
  std::string name = "op";
  std::string target = event.instance_id;
  switch (event.kind) {
    case Kind::entity_unlock_sent:
      name = "release";
      message = {{"parent", instance_id}, {"id", event.request_id}};
      break;
    case Kind::entity_lock_requested: {
      Json ids = Json::array();
      for (const std::string& id : event.lock_set) {
        const Result<EntityId> entity = parse_entity_id(id);
        if (entity.ok()) ids.push_back({{"name", entity->name}, {"key", entity->key}});
      }
      if (!event.lock_set.empty()) target = event.lock_set.front();
      message = {{"op", nullptr},
                 {"id", event.request_id},
                 {"parent", instance_id},
                 {"parentExecution", to_string(execution_id)},
                 {"lockset", std::move(ids)}};
      break;
    }
    default:
      message = {{"op", event.name}, {"id", event.request_id}};
      if (event.data) message["input"] = wire_text(*event.data);
      if (event.kind == Kind::entity_operation_signaled) message["signal"] = true;
      message["parent"] = instance_id;
      message["parentExecution"] = to_string(execution_id);
      if (event.fire_at) {
        name += "@" + format_time(*event.fire_at);
        message["due"] = format_time(*event.fire_at);
      }
  }
  out->set_instanceid(target);
  out->set_name(name);
  out->mutable_input()->set_value(message.dump());
}

void write_legacy_answer(const HistoryEvent& event, const std::string& request_id,
                         ::EventRaisedEvent* out) {
  Json answer;
  switch (event.kind) {
    case Kind::entity_operation_completed:
      answer = {{"result", event.data ? Json(wire_text(*event.data)) : Json(nullptr)}};
      break;
    case Kind::entity_operation_failed: {
      const FailureDetails failure = event.failure.value_or(FailureDetails{});
      answer = {{"result", wire_text(failure.message)},
                {"exceptionType", wire_text(failure.type)},
                {"failureDetails", json_of(failure)}};
      break;
    }
    default:
      answer = {{"result", kLocksGranted}};
  }
  out->set_name(request_id);
  out->mutable_input()->set_value(answer.dump());
}

}  // namespace ingot::server
