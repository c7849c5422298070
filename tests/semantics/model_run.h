#pragma once

// ModelRun: some random programs at once on one simulated hub, each client in its own order, all of
// them interleaved by the seed; then the hub is compared with the model.

#include <cstdint>

namespace ingot::semantics {

inline constexpr std::uint64_t kProgramsPerRun = 20;

// Fails the test, naming the seed, if engine and model differ.
void play_against_model(std::uint64_t seed);

// `count` runs from `first` on; or that of INGOT_MODEL_SEED, when it is set, and INGOT_MODEL_RUNS
// from there on.
void play_many(std::uint64_t first, std::uint64_t count);

}  // namespace ingot::semantics
