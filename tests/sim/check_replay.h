#pragma once

// (i) Checkpoint and replay give the state that pure replay from position 0 gives: the tables, the
// timers, every live instance wherever it is, and the finished ones (all, or a sample).

#include <string>

#include "core/random.h"
#include "partition/recovery/recover.h"

namespace ingot::sim {

// Empty when they agree, else what differs; `id` is then the instance that it is about, if any.
// One in `sample` finished instances is compared.
[[nodiscard]] std::string compare_states(const partition::PartitionState& pure,
                                         const partition::PartitionState& recovered,
                                         const storage::CheckpointStore& store,
                                         std::uint64_t sample, Random& random, std::string& id);

}  // namespace ingot::sim
