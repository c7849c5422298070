// hello: a chain of N activities (HelloSequence), the main job.

#include "bench/fixed_scenario.h"
#include "bench/workload.h"

namespace ingot::bench {
namespace {

Status run(const BenchOptions& options, Report& report) {
  FixedScenario scenario = hello_scenario(options.length);
  return run_load(options, scenario, report);
}

}  // namespace

Workload hello_workload() {
  return {"hello", "Chains of activities, one after the other (HelloSequence).",
          kTakesLoad | kTakesActivity | kTakesResume | kTakesLength, [](BenchOptions&) {}, run};
}

}  // namespace ingot::bench
