// fanout: one orchestrator calls W activities at once and adds their results.

#include "bench/fixed_scenario.h"
#include "bench/workload.h"

namespace ingot::bench {
namespace {

Status run(const BenchOptions& options, Report& report) {
  FixedScenario scenario = fanout_scenario(options.width);
  if (Status status = run_load(options, scenario, report); !status.ok()) return status;
  report.add_rate("activities_per_s", static_cast<double>(report.completed) * options.width);
  return {};
}

}  // namespace

Workload fanout_workload() {
  return {"fanout", "Orchestrations that call many activities at once and add their results.",
          kTakesLoad | kTakesActivity | kTakesWidth,
          [](BenchOptions& options) { options.concurrency = 64; }, run};
}

}  // namespace ingot::bench
