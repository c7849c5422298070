#pragma once

// Seeds: many runs, on several processes, so that one that dies takes nothing with it: the one that
// a process died of is known, and counts as a violation.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ingot::sim {

struct SeedRange {
  std::uint64_t first = 1;
  std::uint64_t count = 1;
  std::uint64_t stride = 1;
};
// "7", "1..500" or "1|500" (500 of them from 1 on).
[[nodiscard]] std::optional<SeedRange> parse_seeds(std::string_view text);
// Part `shard` of `shards`: every so manieth.
[[nodiscard]] SeedRange shard_of(const SeedRange& seeds, std::uint64_t shard, std::uint64_t shards);

struct SeedsPlan {
  SeedRange seeds;
  std::uint64_t steps = 2000;
  std::uint32_t jobs = 1;
  bool verbose = false;  // a line for each run
};

struct SeedsResult {
  std::uint64_t runs = 0;
  std::uint64_t violations = 0;
};

// Plays them all, prints violations with what is needed to see them again, and the figures.
[[nodiscard]] SeedsResult play_seeds(const SeedsPlan& plan);

// One run in this process; prints the violation, if any. True when there was none.
bool play_seed(std::uint64_t seed, std::uint64_t steps, bool verbose);

}  // namespace ingot::sim
