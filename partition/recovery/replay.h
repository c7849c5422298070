#pragma once

// Replay: what recovery does with a checkpoint and the facts behind it, whatever they are read
// from.
//
// An instance that a replayed fact names is brought from the store first, unless it has ended since
// the checkpoint: then the store's row is out of date.

#include <ingot/status.h>

#include <string_view>

#include "core/effect.h"
#include "partition/state/partition_state.h"
#include "storage/checkpoint_store.h"

namespace ingot::partition {

// Tables, timers, and the instances with unfinished work, into a new state. `corrupt` when they
// can't be what a cut wrote.
Status load_checkpoint(const storage::CheckpointView& store, PartitionState& state);

// Decodes the fact at `position`, the one after state.applied, and applies it. `effects` is
// scratch.
Status replay_fact(const storage::CheckpointView& store, PartitionState& state, Position position,
                   std::string_view bytes, Effects& effects);

}  // namespace ingot::partition
