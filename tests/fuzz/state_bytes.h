#pragma once

// Good rows, tables and facts for the seeds: what random programs of facts leave behind.

#include <string>
#include <vector>

#include "partition/apply/apply.h"
#include "partition/state/row.h"
#include "tests/partition/fact_program.h"

namespace ingot::fuzz {

inline constexpr std::uint32_t kPartitions = 3;
inline constexpr PartitionId kPartition{1};

// Calls `look(state, fact)` after each of `count` facts.
template <typename Look>
void run_program(std::uint64_t seed, std::size_t count, const Look& look) {
  partition::PartitionState state(kPartition, kPartitions);
  partition::FactProgram program(seed);
  Effects effects;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string bytes = program.next(state);
    effects.clear();
    const Result<Fact> fact = decode_fact(bytes);
    if (!fact.ok() || !partition::apply(state, state.applied.plus(1), *fact, effects).ok()) return;
    look(state, bytes);
  }
}

}  // namespace ingot::fuzz
