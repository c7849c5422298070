// fanout: one orchestrator calls W activities at once and adds their results.

#include "bench/load.h"
#include "bench/orchestrators.h"
#include "bench/workload.h"

namespace ingot::bench {
namespace {

class FanoutScenario final : public Scenario {
 public:
  explicit FanoutScenario(std::uint32_t width)
      : input_(std::to_string(width)), output_(fanout_output(width)) {}

  std::string_view orchestrator() const override { return "fanout"; }
  void prepare(Lane&, StartOptions& start) override { start.input = input_; }
  std::string verify(const Lane&, const InstanceState& state) override {
    return bench::verify(state, output_);
  }

 private:
  const std::string input_;
  const std::string output_;
};

Status run(const BenchOptions& options, Report& report) {
  FanoutScenario scenario(options.width);
  if (Status status = run_load(options, scenario, report); !status.ok()) return status;
  const double activities = static_cast<double>(report.completed) * options.width;
  report.extra.emplace_back("activities_per_s",
                            report.seconds > 0 ? activities / report.seconds : 0);
  return {};
}

}  // namespace

Workload fanout_workload() {
  return {"fanout", "Orchestrations that call many activities at once and add their results.",
          kTakesLoad | kTakesActivity | kTakesWidth,
          [](BenchOptions& options) { options.concurrency = 64; }, run};
}

}  // namespace ingot::bench
