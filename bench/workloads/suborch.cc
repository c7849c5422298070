// suborch: one orchestrator runs N sub-orchestrations at once and adds their outputs. The
// children's ids are derived, so that they lie in all partitions.

#include "bench/fixed_scenario.h"
#include "bench/workload.h"

namespace ingot::bench {
namespace {

Status run(const BenchOptions& options, Report& report) {
  FixedScenario scenario = suborch_scenario(options.width);
  if (Status status = run_load(options, scenario, report); !status.ok()) return status;
  report.add_rate("children_per_s", static_cast<double>(report.completed) * options.width);
  return {};
}

}  // namespace

Workload suborch_workload() {
  return {"suborch", "Orchestrations that run many sub-orchestrations at once.",
          kTakesLoad | kTakesWidth,
          [](BenchOptions& options) {
            options.concurrency = 64;
            options.width = 100;
          },
          run};
}

}  // namespace ingot::bench
