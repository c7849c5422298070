#pragma once

// What gRPC itself carries between this program and the server: the ceiling of any load on the same
// connections, as the device's figures are that of a hub in the process.

#include <cstdint>

#include "tools/ingotd/load/target.h"

namespace ingot::server {

// Calls a second of Hello, which is empty both ways, `concurrency` of them at a time for `seconds`.
// unavailable when one fails.
[[nodiscard]] Result<double> measure_bare_calls(const Target& target, std::uint32_t concurrency,
                                                double seconds);

}  // namespace ingot::server
