#pragma once

// The end of an orchestration, and of one of its executions: what is due to the parent, to children
// and to the entities that it has locked.

#include "core/effect.h"
#include "core/fact.h"
#include "core/history_codec.h"
#include "partition/state/partition_state.h"

namespace ingot::partition {

// `completed` is the ExecutionCompleted event that the history ends with. Answers the parent,
// releases locks, terminates the pending children if `recurse`, and makes the instance a record.
void end_orchestration(PartitionState& state, Instance& instance, const HistoryEventView& completed,
                       bool recurse, Timestamp at, Effects& effects);

// Ends a live instance as Terminated without asking its orchestrator, because it is replaced.
void terminate_replaced(PartitionState& state, Instance& instance, Timestamp at, Effects& effects);

// Starts the next execution: a new history, with `input`, the messages of `carry_over` and what is
// left in the inbox but for replies to the old execution. `corrupt` when something else is carried
// over.
Status continue_as_new(PartitionState& state, Instance& instance, const HistoryEventView& action,
                       const StepCompleted& body, Timestamp at, Effects& effects);

}  // namespace ingot::partition
