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
// The same by a client's ExecutionTerminated event (`encoded`).
void terminate_at_once(PartitionState& state, Instance& instance,
                       const HistoryEventView& termination, std::string_view encoded, Timestamp at,
                       Effects& effects);

// What a child that ended with `completed` tells its parent: an encoded event.
[[nodiscard]] std::string child_answer(std::string_view child_id, const ParentInfo& parent,
                                       const HistoryEventView& completed, Timestamp at);

// Starts the next execution: a new history, with `input`, the messages of `carry_over` and what is
// left in the inbox but for replies to the old execution. `corrupt` when something else is carried
// over.
Status continue_as_new(PartitionState& state, Instance& instance, const HistoryEventView& action,
                       const StepCompleted& body, Timestamp at, Effects& effects);

}  // namespace ingot::partition
