#pragma once

// Times as the command line tool and the server print them.

#include <ingot/time.h>

#include <string>

namespace ingot::tools {

// ISO 8601, in UTC: "2026-01-31T23:59:59.000001Z".
[[nodiscard]] std::string format_time(Timestamp time);

}  // namespace ingot::tools
