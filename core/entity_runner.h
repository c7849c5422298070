#pragma once

// Runs operations of an entity: a state and messages in, a state and messages out. No I/O, no
// clock, no randomness: the same batch gives the same result. The one place, beside
// activity_runner.h, where what user code throws is turned into FailureDetails.

#include <ingot/entity_context.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/fact.h"

namespace ingot {

// The type of the failure of an operation on an entity that the program does not have.
inline constexpr std::string_view kEntityNotRegistered = "EntityNotRegistered";

// Views that outlive the call.
struct EntityBatch {
  std::string_view entity_id;             // "@name@key"
  std::optional<std::string_view> state;  // absent: the entity has none
  // Messages from the entity's inbox, encoded: EntityOperationSignaled and EntityOperationCalled.
  // Trusted, as Execution's events are.
  std::string_view operations;
  std::uint32_t operations_max = UINT32_MAX;
  // Asked after each operation, if there is one: true ends the batch there.
  std::function<bool()> ends = {};
  Timestamp now;
  std::uint64_t seed = 0;  // what ids are made of; another one for each batch of this entity
};

struct EntityBatchResult {
  std::uint32_t consumed = 0;  // operations that ran, failed ones too
  std::uint32_t failed = 0;
  StateChange change = StateChange::unchanged;
  std::string state;  // after `set`
  // What the operations produced, in order, each encoded as the event that it becomes:
  //   EntityOperationCompleted, -Failed  instance_id, execution_id, scheduled_id of the caller;
  //   data
  //                                      or failure
  //   EntityOperationSignaled            instance_id (target), name, data, fire_at
  //   ExecutionStarted                   instance_id, execution_id (made up), name, data, version,
  //                                      fire_at
  // all with event_id -1, the batch's time, and the operation's trace_parent but for answers.
  std::string actions;
};

// Runs the first operations of the batch, at most `operations_max`, and until `ends`. Stops early
// at a message that is no operation or can't be decoded; `consumed` tells. `function` may be null:
// the program has no such entity, and every operation fails.
[[nodiscard]] EntityBatchResult run_entity_batch(const EntityFn* function,
                                                 const EntityBatch& batch);

}  // namespace ingot
