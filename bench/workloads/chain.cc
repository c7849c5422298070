// chain: an orchestration that continues as new, L executions in all, each with what the one before
// gave it.

#include <algorithm>

#include "bench/fixed_scenario.h"
#include "bench/workload.h"

namespace ingot::bench {
namespace {

Status run(const BenchOptions& options, Report& report) {
  FixedScenario scenario = chain_scenario(options.length);
  if (Status status = run_load(options, scenario, report); !status.ok()) return status;
  const double executions = static_cast<double>(report.completed) * std::max(1U, options.length);
  report.add_rate("executions_per_s", executions);
  return {};
}

}  // namespace

Workload chain_workload() {
  return {"chain", "Orchestrations that continue as new, many times.", kTakesLoad | kTakesLength,
          [](BenchOptions& options) { options.length = 100; }, run};
}

}  // namespace ingot::bench
