#pragma once

// Simulation: one run, determined by its seed: a hub of several partitions, its clients, its
// faults, the checkers; then a time without faults in which all must come to an end; then a last
// recovery, and everything is compared.

#include <cstdint>
#include <string>
#include <vector>

namespace ingot::sim {

struct RunOptions {
  std::uint64_t seed = 1;
  std::uint64_t steps = 2000;  // operations of clients, at least
  bool trace = false;
};

struct RunResult {
  bool ok = true;
  std::string violation;           // what, where
  std::vector<std::string> trace;  // the last events that concern it, with RunOptions::trace
  std::string classes;             // of faults
  // Of every byte that became durable and of every answer and work item: the same for the same
  // options.
  std::uint64_t hash = 0;
  std::uint64_t operations = 0;
  std::uint64_t crashes = 0;
  std::uint64_t recoveries = 0;  // with those that failed
  std::uint64_t facts = 0;
  std::uint64_t writes = 0;
  std::uint64_t work_items = 0;    // that the foreign worker gave back
  std::uint64_t stale_tokens = 0;  // that it used
  std::uint64_t corruptions = 0;
  std::uint64_t refusals = 0;  // of these
};

[[nodiscard]] RunResult run_simulation(const RunOptions& options);

}  // namespace ingot::sim
