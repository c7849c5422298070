// mixed: instances of many workloads at once, in given shares.

#include "bench/mix.h"
#include "bench/workload.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

Status run(const BenchOptions& options, Report& report) {
  INGOT_ASSIGN(const std::vector<MixShare> shares, parse_mix(options.mix));
  MixScenario scenario(shares, options);
  return run_load(options, scenario, report);
}

}  // namespace

Workload mixed_workload() {
  return {"mixed", "Instances of many workloads at once, in given shares.",
          kTakesLoad | kTakesActivity | kTakesResume | kTakesAccounts | kTakesMix,
          [](BenchOptions&) {}, run};
}

}  // namespace ingot::bench
