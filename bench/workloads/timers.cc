// timers: orchestrations that wait for durable timers, one after the other.

#include "bench/load.h"
#include "bench/orchestrators.h"
#include "bench/workload.h"

namespace ingot::bench {
namespace {

class TimersScenario final : public Scenario {
 public:
  TimersScenario(std::uint32_t length, std::uint32_t delay_ms)
      : input_(std::to_string(length) + ' ' + std::to_string(delay_ms)),
        output_(timers_output(length)) {}

  std::string_view orchestrator() const override { return "timers"; }
  void prepare(Lane&, StartOptions& start) override { start.input = input_; }
  std::string verify(const Lane&, const InstanceState& state) override {
    return bench::verify(state, output_);
  }

 private:
  const std::string input_;
  const std::string output_;
};

Status run(const BenchOptions& options, Report& report) {
  TimersScenario scenario(options.length, options.delay_ms);
  if (Status status = run_load(options, scenario, report); !status.ok()) return status;
  const double timers = static_cast<double>(report.completed) * options.length;
  report.extra.emplace_back("timers_per_s", report.seconds > 0 ? timers / report.seconds : 0);
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
