#pragma once

// How a fact of a partition's log is printed.

#include <string>
#include <string_view>

#include "tools/output.h"

namespace ingot::tools {

// {"position", "at", "fact", then the kind's fields with its events decoded}. `corrupt` when the
// bytes are no fact, or hold what is no event.
[[nodiscard]] Result<Json> fact_to_json(Position position, std::string_view bytes);
// The same in one line for a terminal.
[[nodiscard]] Result<std::string> fact_to_line(Position position, std::string_view bytes);
// Whether the bytes are a fact all of whose events are events.
[[nodiscard]] Status check_fact(std::string_view bytes);

}  // namespace ingot::tools
