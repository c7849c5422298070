#pragma once

// SimStore: a checkpoint store that outlives the partition that owns it, as a disk does, and fails
// when it is told to.
//
// A checkpoint is there wholly or not at all, also after a crash in the middle of it. A commit that
// fails may have happened all the same.

#include <memory>

#include "core/random.h"
#include "storage/checkpoint_store.h"

namespace ingot::sim {

// What goes wrong with the checkpoints of all partitions.
struct StoreFaults {
  bool full = false;           // each commit answers disk_full, and did not happen
  std::uint64_t failures = 0;  // so many commits to come answer io_error, and may have happened
};

// `kept` is what lies on the disk; `faults` and `random` outlive the store.
[[nodiscard]] std::unique_ptr<storage::CheckpointStore> make_sim_store(
    std::shared_ptr<storage::CheckpointStore> kept, StoreFaults& faults, Random& random);

}  // namespace ingot::sim
