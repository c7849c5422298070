#pragma once

// Times as the command line tool and the server print and read them.

#include <ingot/time.h>

#include <optional>
#include <string>
#include <string_view>

namespace ingot::tools {

// ISO 8601, in UTC: "2026-01-31T23:59:59.000001Z".
[[nodiscard]] std::string format_time(Timestamp time);

// ISO 8601: a date, or date and time with seconds and fraction or without, and 'Z', an offset, or
// nothing (UTC). Digits behind the microseconds are dropped.
[[nodiscard]] std::optional<Timestamp> parse_time(std::string_view text);

}  // namespace ingot::tools
