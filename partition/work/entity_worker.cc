#include "partition/work/entity_worker.h"

#include <ingot/entity_id.h>

#include "core/entity_runner.h"
#include "core/history_codec.h"
#include "partition/work/action_check.h"
#include "partition/work/work_slice.h"

namespace ingot::partition {
namespace {

// The first thing that the batch can't do; ok when it can do all.
Status check_result(const EntityBatchResult& result, std::uint64_t payload_bytes_max) {
  if (result.state.size() > payload_bytes_max) {
    return Status(StatusCode::invalid_argument,
                  "the state has " + std::to_string(result.state.size()) + " bytes; the limit is " +
                      std::to_string(payload_bytes_max));
  }
  if (result.actions.size() > kInstanceBytesMax) {
    return Status(StatusCode::invalid_argument, "the answers and messages of a batch have " +
                                                    std::to_string(result.actions.size()) +
                                                    " bytes; the limit is " +
                                                    std::to_string(kInstanceBytesMax));
  }
  if (result.actions.empty()) return {};
  Reader reader(result.actions);
  while (reader.more()) {
    if (Status valid = check_entity_action(decode_trusted_event(reader), payload_bytes_max);
        !valid.ok()) {
      return valid;
    }
  }
  return {};
}

// Every caller of the first `count` operations is told why they failed.
EntityBatchResult fail_all(std::string_view operations, std::uint32_t count, const Status& why,
                           Timestamp at) {
  EntityBatchResult result;
  std::string failure;
  encode_failure({"InvalidAction", std::string(why.message()), true, {}}, failure);
  Reader reader(operations);
  for (; result.consumed < count && reader.more(); ++result.consumed) {
    const HistoryEventView operation = decode_trusted_event(reader);
    ++result.failed;
    if (operation.kind != HistoryEventKind::entity_operation_called) continue;
    HistoryEventView answer;
    answer.kind = HistoryEventKind::entity_operation_failed;
    answer.timestamp = at;
    answer.instance_id = operation.instance_id;
    answer.execution_id = operation.execution_id;
    answer.scheduled_id = operation.scheduled_id;
    answer.failure = failure;
    encode_event(answer, result.actions);
  }
  return result;
}

}  // namespace

bool EntityWorker::step(const Instance& instance) {
  const Result<EntityId> id = parse_entity_id(instance.id);
  INGOT_ASSERT(id.ok(), instance.sequence.value);
  const EntityFn* function = environment_.registry.find_entity(id->name);
  if (function == nullptr && environment_.options.foreign_work) return false;
  EntityBatch batch;
  batch.entity_id = instance.id;
  if (instance.entity->state) batch.state = *instance.entity->state;
  batch.operations = instance.inbox;
  batch.operations_max = environment_.options.entity_batch_operations_max;
  batch.now = recorder_.now();
  // Positions are never used twice.
  batch.seed = recorder_.position().value + 1;
  WorkSlice slice(environment_.clock);
  batch.ends = [&slice] { return slice.over(); };
  EntityBatchResult result = run_entity_batch(function, batch);
  INGOT_ASSERT(result.consumed != 0, instance.sequence.value);  // the inbox holds operations only
  if (const Status valid = check_result(result, environment_.options.payload_bytes_max);
      !valid.ok()) {
    result = fail_all(instance.inbox, result.consumed, valid, batch.now);
  }
  EntityStepCompleted body;
  body.sequence = instance.sequence;
  body.consumed = result.consumed;
  body.change = result.change;
  body.entity_state = result.state;
  body.actions = result.actions;
  recorder_.record(body);
  return true;
}

}  // namespace ingot::partition
