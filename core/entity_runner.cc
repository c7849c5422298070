#include "core/entity_runner.h"

#include <utility>

#include "core/activity_runner.h"
#include "core/entity_batch_run.h"
#include "core/hash.h"

namespace ingot {
namespace {

using Kind = HistoryEventKind;

constexpr std::string_view kDelete = "delete";

}  // namespace

EntityBatchResult run_entity_batch(const EntityFn* function, const EntityBatch& batch) {
  return model::EntityBatchRun(function, batch).run();
}

namespace model {

EntityBatchRun::EntityBatchRun(const EntityFn* function, const EntityBatch& batch)
    : function_(function), batch_(batch), committed_(batch.state) {}

EntityBatchResult EntityBatchRun::run() {
  Reader reader(batch_.operations);
  while (reader.more() && result_.consumed < batch_.operations_max) {
    operation_ = decode_trusted_event(reader);
    const bool runs = operation_.kind == Kind::entity_operation_signaled ||
                      operation_.kind == Kind::entity_operation_called;
    if (!reader.ok() || !runs) break;
    ++result_.consumed;
    run_operation();
    if (batch_.ends && batch_.ends()) break;
  }
  if (result_.change == StateChange::set) result_.state = std::move(stored_);
  return std::move(result_);
}

void EntityBatchRun::run_operation() {
  const std::size_t actions_before = result_.actions.size();
  change_ = StateChange::unchanged;
  HistoryEventView reply;
  try {
    const std::string value = call_function();
    commit_state();
    reply.kind = Kind::entity_operation_completed;
    reply.data = value;
    reply.has_data = true;
    answer(reply);
  } catch (...) {
    ++result_.failed;
    result_.actions.resize(actions_before);
    std::string failure;
    encode_failure(describe_current_exception(), failure);
    reply.kind = Kind::entity_operation_failed;
    reply.failure = failure;
    answer(reply);
  }
}

std::string EntityBatchRun::call_function() {
  if (function_ == nullptr) {
    std::string message = "no entity '" + id().name + "' is registered";
    throw TaskFailedError(std::string(kEntityNotRegistered), std::move(message), true);
  }
  const std::size_t actions_before = result_.actions.size();
  try {
    return (*function_)(context_);
  } catch (const UnknownOperation&) {
    if (operation_.name != kDelete) throw;
  }
  result_.actions.resize(actions_before);
  delete_state();
  return {};
}

void EntityBatchRun::commit_state() {
  if (change_ == StateChange::set) {
    std::swap(stored_, working_);
    committed_ = stored_;
    result_.change = StateChange::set;
  } else if (change_ == StateChange::deleted) {
    committed_.reset();
    result_.change = batch_.state ? StateChange::deleted : StateChange::unchanged;
  }
}

// Signals have no answer.
void EntityBatchRun::answer(HistoryEventView& event) {
  if (operation_.kind != Kind::entity_operation_called) return;
  event.timestamp = batch_.now;
  event.instance_id = operation_.instance_id;
  event.execution_id = operation_.execution_id;
  event.scheduled_id = operation_.scheduled_id;
  encode_event(event, result_.actions);
}

const EntityId& EntityBatchRun::id() {
  if (!id_) {
    Result<EntityId> parsed = parse_entity_id(batch_.entity_id);
    id_ = parsed.ok() ? *std::move(parsed) : EntityId();
  }
  return *id_;
}

std::optional<std::string_view> EntityBatchRun::state() const {
  if (change_ == StateChange::set) return working_;
  if (change_ == StateChange::deleted) return std::nullopt;
  return committed_;
}

void EntityBatchRun::set_state(std::string_view state) {
  working_.assign(state);  // `state` may be a part of it
  change_ = StateChange::set;
}

void EntityBatchRun::send(HistoryEventView& action) {
  action.timestamp = batch_.now;
  action.trace_parent = operation_.trace_parent;
  encode_event(action, result_.actions);
}

ExecutionId EntityBatchRun::new_id() {
  std::string seed(batch_.entity_id);
  put_fixed64(seed, batch_.seed);
  put_fixed64(seed, ids_++);
  return {hash64(seed, 1), hash64(seed, 2)};
}

}  // namespace model
}  // namespace ingot
