#pragma once

// XXH3 (64 bits), for frame checksums, hash tables and the routing of ids to partitions.
// Routing is part of the hub's format: the function and its seed never change.

#include <cstdint>
#include <string_view>

namespace ingot {

[[nodiscard]] std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);

}  // namespace ingot
