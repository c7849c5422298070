// timers: orchestrations that wait for durable timers, one after the other.

#include "bench/fixed_scenario.h"
#include "bench/workload.h"

namespace ingot::bench {
namespace {

Status run(const BenchOptions& options, Report& report) {
  FixedScenario scenario = timers_scenario(options.length, options.delay_ms);
  if (Status status = run_load(options, scenario, report); !status.ok()) return status;
  report.add_rate("timers_per_s", static_cast<double>(report.completed) * options.length);
  // What the median instance took beyond the sum of its delays, for each timer.
  if (options.length != 0 && report.latency_ns.count() != 0) {
    const double median_us = static_cast<double>(report.latency_ns.quantile(0.5)) / 1000;
    report.extra.emplace_back("timer_lateness_us_p50",
                              median_us / options.length - options.delay_ms * 1000.0);
  }
  return {};
}

}  // namespace

Workload timers_workload() {
  return {"timers", "Orchestrations that wait for durable timers, one after the other.",
          kTakesLoad | kTakesLength | kTakesDelay, [](BenchOptions&) {}, run};
}

}  // namespace ingot::bench
