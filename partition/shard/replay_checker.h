#pragma once

// The replay checker proves, fact by fact, that
//
//   snapshot(apply(state, fact)) == snapshot(apply(decode(encode(state)), decode(encode(fact))))
//
// so that what runs now and what recovery will replay can't differ. Costs the whole state for each
// fact: for tests (HubOptions::replay_checker).

#include <ingot/status.h>

#include <string>
#include <string_view>

#include "partition/state/partition_state.h"

namespace ingot::partition {

// The snapshot after applying the encoded fact to a copy of `state` made from its bytes.
[[nodiscard]] Result<std::string> apply_to_decoded_copy(const PartitionState& state,
                                                        std::string_view fact);

}  // namespace ingot::partition
