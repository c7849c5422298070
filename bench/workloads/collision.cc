// collision: a search that divides its range among sub-orchestrations (CollisionSearch).

#include "bench/collision.h"

#include "bench/workload.h"

namespace ingot::bench {
namespace {

Status run(const BenchOptions& options, Report& report) {
  CollisionScenario scenario(options.count);
  if (Status status = run_load(options, scenario, report); !status.ok()) return status;
  report.add_rate("hashes_per_s",
                  static_cast<double>(report.completed) * static_cast<double>(options.count));
  return {};
}

}  // namespace

Workload collision_workload() {
  return {"collision", "Searches for hash collisions that divide and conquer.",
          kTakesLoad | kTakesActivity | kTakesCount,
          [](BenchOptions& options) {
            options.concurrency = 32;
            options.count = 10'000;
          },
          run};
}

}  // namespace ingot::bench
