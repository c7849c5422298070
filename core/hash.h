#pragma once

// XXH3 (64 bits), for frame checksums, hash tables and the routing of ids to partitions.
// Routing is part of the hub's format: the function and its seed never change.

#include <ingot/ids.h>

#include <cstdint>
#include <string_view>

namespace ingot {

[[nodiscard]] std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);

// The partition that an instance id lives in, out of `partition_count`. Part of the format.
[[nodiscard]] inline PartitionId partition_of(std::string_view instance_id,
                                              std::uint32_t partition_count) {
  return PartitionId(static_cast<std::uint32_t>(hash64(instance_id) % partition_count));
}

}  // namespace ingot
