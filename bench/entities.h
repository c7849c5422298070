#pragma once

// Entities that hold a number, and how a run reads them all at its end.

#include <ingot/registry.h>
#include <ingot/status.h>
#include <ingot/task_hub.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ingot::bench {

// What an "account" has before its first operation.
constexpr std::int64_t kFirstBalance = 1'000'000;

// The entities "counter" and "account": a number, from 0 or kFirstBalance. "get" gives it, "add"
// adds the input, and gives what came of it. And the orchestrator "read_entities", see
// read_numbers().
Status add_number_entities(Registry& registry);

// The numbers of the entities with the keys 0 to `count` - 1, each asked behind everything that was
// asked of it before. Blocks for minutes at most.
[[nodiscard]] Result<std::vector<std::int64_t>> read_numbers(Client& client,
                                                             std::string_view entity,
                                                             std::uint64_t count);

// As parse_number(), with a sign.
[[nodiscard]] std::int64_t parse_signed(std::string_view text);

}  // namespace ingot::bench
