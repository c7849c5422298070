#pragma once

// Stored rows: how an instance comes from the store into the memory of its partition.
//
// A row that decodes is an instance, but perhaps none of this partition as it is now: what only the
// state can tell is checked here, before the state machine relies on it.

#include <ingot/ids.h>
#include <ingot/status.h>

#include <memory>
#include <string_view>

#include "partition/state/partition_state.h"

namespace ingot::partition {

// The instance of the live row `expected` (0: of whichever row an id names), not yet in the table.
// `corrupt` when it has another number, or one that the partition has not given.
[[nodiscard]] Result<std::unique_ptr<Instance>> decode_stored_row(const PartitionState& state,
                                                                  std::string_view row,
                                                                  SequenceNumber expected);

// Puts it into the table, where neither its number nor its id is. `corrupt` when the activities of
// its execution, which goes on, are detached from it.
Status insert_stored(PartitionState& state, std::unique_ptr<Instance> instance);

}  // namespace ingot::partition
