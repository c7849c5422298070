#pragma once

// Time as Ingot stores it: microseconds since the Unix epoch, in UTC.

#include <chrono>

namespace ingot {

using Duration = std::chrono::microseconds;
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

}  // namespace ingot
