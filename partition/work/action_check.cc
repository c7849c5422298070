#include "partition/work/action_check.h"

#include <ingot/entity_id.h>

#include "core/try.h"

namespace ingot::partition {
namespace {

using Kind = HistoryEventKind;

Status invalid(std::string why) { return Status(StatusCode::invalid_argument, std::move(why)); }

Status check_payload(std::size_t bytes, std::uint64_t limit) {
  if (bytes <= limit) return {};
  return invalid("the payload has " + std::to_string(bytes) + " bytes; the limit is " +
                 std::to_string(limit));
}

Status check_orchestration_id(std::string_view id) {
  INGOT_TRY(validate_instance_id(id));
  if (is_entity_id(id)) return invalid("'" + std::string(id) + "' is the id of an entity");
  return {};
}

Status check_entity_id(std::string_view id) {
  if (is_entity_id(id)) return {};
  return invalid("'" + std::string(id) + "' is not the id of an entity");
}

Status check_lock_set(std::string_view lock_set) {
  const std::optional<std::vector<std::string>> ids = decode_lock_set(lock_set);
  if (!ids) return invalid("the entities to lock are none, not in order, or named twice");
  for (const std::string& id : *ids) INGOT_TRY(check_entity_id(id));
  return {};
}

}  // namespace

Status check_action(const HistoryEventView& action, std::uint64_t payload_bytes_max) {
  INGOT_TRY(check_payload(action.data.size(), payload_bytes_max));
  switch (action.kind) {
    case Kind::task_scheduled:
      return validate_name("activity", action.name);
    case Kind::timer_created:
      return action.has_fire_at ? Status{} : invalid("has no fire_at");
    case Kind::event_sent:
      INGOT_TRY(validate_instance_id(action.instance_id));
      return validate_name("event", action.name);
    case Kind::sub_orchestration_created:
      INGOT_TRY(check_orchestration_id(action.instance_id));
      return validate_name("orchestrator", action.name);
    case Kind::entity_operation_called:
    case Kind::entity_operation_signaled:
      INGOT_TRY(check_entity_id(action.instance_id));
      return validate_name("operation", action.name);
    case Kind::entity_unlock_sent:
      return check_entity_id(action.instance_id);
    case Kind::entity_lock_requested:
      return check_lock_set(action.lock_set);
    case Kind::execution_completed:
      INGOT_TRY(check_payload(action.failure.size(), payload_bytes_max));
      return is_terminal(action.status) ? Status{} : invalid("its status is not terminal");
    case Kind::continue_as_new:
      return {};
    case Kind::execution_terminated:
      return check_orchestration_id(action.instance_id);
    default:
      return invalid("is not an action");
  }
}

Status check_entity_action(const HistoryEventView& action, std::uint64_t payload_bytes_max) {
  INGOT_TRY(check_payload(action.data.size(), payload_bytes_max));
  switch (action.kind) {
    case Kind::entity_operation_completed:
    case Kind::entity_operation_failed:
      return validate_instance_id(action.instance_id);
    case Kind::entity_operation_signaled:
      INGOT_TRY(check_entity_id(action.instance_id));
      return validate_name("operation", action.name);
    case Kind::execution_started:
      INGOT_TRY(check_orchestration_id(action.instance_id));
      return validate_name("orchestrator", action.name);
    default:
      return invalid("is not an entity's action");
  }
}

std::string describe_action(const HistoryEventView& action) {
  return "action " + std::to_string(action.event_id) + " (" + std::string(to_string(action.kind)) +
         " '" + std::string(action.name) + "')";
}

}  // namespace ingot::partition
