#pragma once

// The batch under way behind an EntityContext: which operation runs, and what it has changed so
// far.
//
// Invariants:
//   - an operation changes nothing but `change_`, `working_` and the end of the actions; its
//   success
//     commits them, its failure forgets them;
//   - `committed_` is the state before the operation, a view of the batch's or of `stored_`.
// Running a signal allocates nothing but what the entity's function does: the state goes back and
// forth between two strings.

#include <ingot/entity_context.h>

#include <optional>
#include <string>
#include <string_view>

#include "core/entity_runner.h"
#include "core/history_codec.h"

namespace ingot::model {

class EntityBatchRun {
 public:
  EntityBatchRun(const EntityFn* function, const EntityBatch& batch);
  EntityBatchRun(const EntityBatchRun&) = delete;
  EntityBatchRun& operator=(const EntityBatchRun&) = delete;

  [[nodiscard]] EntityBatchResult run();

  // For the context, from within the entity's function.

  [[nodiscard]] const EntityId& id();
  [[nodiscard]] const HistoryEventView& operation() const { return operation_; }
  [[nodiscard]] Timestamp now() const { return batch_.now; }
  [[nodiscard]] std::optional<std::string_view> state() const;
  void set_state(std::string_view state);
  void delete_state() { change_ = StateChange::deleted; }
  // Fills in the time and the trace, and records the action.
  void send(HistoryEventView& action);
  // 128 bits that no other call gives.
  [[nodiscard]] ExecutionId new_id();

 private:
  void run_operation();
  [[nodiscard]] std::string call_function();
  void commit_state();
  void answer(HistoryEventView& event);

  const EntityFn* function_;
  const EntityBatch& batch_;
  EntityContext context_{*this};
  std::optional<EntityId> id_;
  std::uint64_t ids_ = 0;

  HistoryEventView operation_;
  StateChange change_ = StateChange::unchanged;
  std::string working_;
  std::optional<std::string_view> committed_;
  std::string stored_;
  EntityBatchResult result_;
};

}  // namespace ingot::model
