#pragma once

// What an orchestrator or entity may ask for: every action is checked before it becomes part of a
// fact, so that no program can stop its partition.

#include <cstdint>

#include "core/history_codec.h"

namespace ingot::partition {

// `invalid_argument` says what is wrong with the orchestrator's action: its kind, ids, names, or a
// payload over `payload_bytes_max`.
[[nodiscard]] Status check_action(const HistoryEventView& action, std::uint64_t payload_bytes_max);
// The same for an action of an entity's batch.
[[nodiscard]] Status check_entity_action(const HistoryEventView& action,
                                         std::uint64_t payload_bytes_max);

// "action 3 (TaskScheduled 'name')".
[[nodiscard]] std::string describe_action(const HistoryEventView& action);

}  // namespace ingot::partition
