#pragma once

// ScheduledActivity: what running an activity needs, wherever it is kept: in the history of the
// instance that waits for it, or detached from an execution that has ended.

#include <optional>
#include <string_view>

#include "core/history_codec.h"
#include "partition/state/partition_state.h"

namespace ingot::partition {

// Views into the state, until the next fact.
struct ScheduledActivity {
  std::string_view instance_id;
  ExecutionId execution_id;
  HistoryEventView event;  // TaskScheduled
};

// Whether the activity has no result yet.
[[nodiscard]] bool is_pending(const PartitionState& state, const TaskKey& key);
// The pending activity; nothing when it has a result. `history_offset` is where its event lies in
// the history of the live instance; without it the history is searched.
[[nodiscard]] std::optional<ScheduledActivity> find_activity(
    const PartitionState& state, const TaskKey& key,
    std::optional<std::uint64_t> history_offset = std::nullopt);

}  // namespace ingot::partition
