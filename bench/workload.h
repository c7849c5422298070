#pragma once

// Workload: what `ingot bench` can run. Each has a file in workloads/ and a line in bench.cc.

#include <ingot/status.h>

#include <cstdint>

#include "bench/options.h"
#include "bench/report.h"

namespace ingot::bench {

// Options that only some workloads take; a sum of these bits.
enum OptionBits : std::uint32_t {
  kTakesHub = 1U << 0,  // --partitions --shards --io --dir --keep and the hub's sizes
  kTakesConcurrency = 1U << 1,
  kTakesSeconds = 1U << 2,  // --seconds and --warmup
  kTakesIdOrder = 1U << 3,
  kTakesLedger = 1U << 4,
  kTakesActivity = 1U << 5,  // --activity-mode
  kTakesResume = 1U << 6,
  kTakesLength = 1U << 7,
  kTakesWidth = 1U << 8,
  kTakesBytes = 1U << 9,
  kTakesCount = 1U << 10,
  kTakesMib = 1U << 11,
  kTakesDelay = 1U << 12,
  kTakesBuild = 1U << 13,  // recover's hidden --build
  kNeedsFiles = 1U << 14,  // --dir and --ledger are required
  kTakesAccounts = 1U << 15,
  kTakesEntities = 1U << 16,
  kTakesWords = 1U << 17,
  kTakesMix = 1U << 18,
  kTakesKills = 1U << 19,  // --kill-every
  // What every closed loop of instances takes.
  kTakesLoad = kTakesHub | kTakesConcurrency | kTakesSeconds | kTakesIdOrder | kTakesLedger,
};

struct Workload {
  const char* name;
  const char* description;
  std::uint32_t takes;                  // OptionBits
  void (*set_defaults)(BenchOptions&);  // where they differ from BenchOptions'
  // Runs it and fills `report`. A failure is what kept it from running; what went wrong while it
  // ran is counted in `report.errors`.
  Status (*run)(const BenchOptions& options, Report& report);
};

[[nodiscard]] Workload hello_workload();
[[nodiscard]] Workload fanout_workload();
[[nodiscard]] Workload events_workload();
[[nodiscard]] Workload timers_workload();
[[nodiscard]] Workload payload_workload();
[[nodiscard]] Workload raw_log_workload();
[[nodiscard]] Workload recover_workload();
[[nodiscard]] Workload waiting_workload();
[[nodiscard]] Workload idle_workload();
[[nodiscard]] Workload check_workload();
[[nodiscard]] Workload suborch_workload();
[[nodiscard]] Workload chain_workload();
[[nodiscard]] Workload bank_workload();
[[nodiscard]] Workload counter_workload();
[[nodiscard]] Workload wordcount_workload();
[[nodiscard]] Workload collision_workload();
[[nodiscard]] Workload mixed_workload();
[[nodiscard]] Workload manage_workload();
[[nodiscard]] Workload soak_workload();

}  // namespace ingot::bench
