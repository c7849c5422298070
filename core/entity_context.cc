#include <ingot/entity_context.h>

#include <stdexcept>

#include "core/entity_batch_run.h"
#include "core/signal_action.h"

namespace ingot {
namespace {

void require(const Status& status) {
  if (!status.ok()) throw std::invalid_argument(status.message());
}

}  // namespace

UnknownOperation::UnknownOperation(std::string_view operation)
    : std::runtime_error("the entity has no operation \"" + std::string(operation) + "\"") {}

const EntityId& EntityContext::id() const { return run_.id(); }
std::string_view EntityContext::operation() const { return run_.operation().name; }
std::string_view EntityContext::input() const { return run_.operation().data; }
bool EntityContext::has_input() const { return run_.operation().has_data; }
bool EntityContext::is_signal() const {
  return run_.operation().kind == HistoryEventKind::entity_operation_signaled;
}
std::string_view EntityContext::caller_instance_id() const { return run_.operation().instance_id; }
Timestamp EntityContext::current_time() const { return run_.now(); }

std::optional<std::string_view> EntityContext::state() const { return run_.state(); }
void EntityContext::set_state(std::string_view state) { run_.set_state(state); }
void EntityContext::delete_state() { run_.delete_state(); }

void EntityContext::signal_entity(const EntityId& entity, std::string_view operation,
                                  std::string_view input, std::optional<Timestamp> at) {
  require(validate_entity_id(entity));
  const std::string target = to_string(entity);
  HistoryEventView action = signal_action(target, operation, input, at);
  run_.send(action);
}

std::string EntityContext::start_orchestration(std::string_view name, std::string_view input,
                                               std::string_view instance_id,
                                               std::optional<Timestamp> at,
                                               std::string_view version) {
  require(validate_name("orchestrator", name));
  std::string id(instance_id);
  if (id.empty()) id = to_string(run_.new_id());
  require(validate_instance_id(id));
  if (is_entity_id(id)) throw std::invalid_argument("\"" + id + "\" is the id of an entity");
  HistoryEventView action;
  action.kind = HistoryEventKind::execution_started;
  action.name = name;
  action.instance_id = id;
  action.execution_id = run_.new_id();
  action.data = input;
  action.has_data = true;
  action.version = version;
  action.has_fire_at = at.has_value();
  if (at) action.fire_at = *at;
  run_.send(action);
  return id;
}

EntityOperations& EntityOperations::on(std::string operation, EntityFn function) {
  operations_.emplace_back(std::move(operation), std::move(function));
  return *this;
}

std::string EntityOperations::operator()(EntityContext& context) const {
  for (const auto& [name, function] : operations_) {
    if (name == context.operation()) return function(context);
  }
  throw UnknownOperation(context.operation());
}

}  // namespace ingot
