// payload: large inputs, through an activity and out again.

#include <algorithm>

#include "bench/load.h"
#include "bench/orchestrators.h"
#include "bench/workload.h"
#include "core/random.h"

namespace ingot::bench {
namespace {

// Each lane keeps one random text and changes its first digits with every instance. 64 symbols: a
// compressor saves a quarter of it, as of Base64.
class PayloadScenario final : public Scenario {
 public:
  explicit PayloadScenario(std::uint64_t bytes) : bytes_(bytes) {}

  std::string_view orchestrator(const Lane&) const override { return "payload"; }
  void prepare(Lane& lane, StartOptions& start) override {
    if (lane.text.size() != bytes_) fill(lane);
    const std::string serial = std::to_string(lane.serial);
    lane.text.replace(0, std::min(serial.size(), lane.text.size()), serial, 0, lane.text.size());
    start.input = lane.text;
  }
  std::string verify(const Lane& lane, const InstanceState& state) override {
    return bench::verify(state, lane.text);
  }

 private:
  void fill(Lane& lane) const {
    constexpr std::string_view kSymbols =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    Random random(entropy64());
    lane.text.resize(bytes_);
    for (char& symbol : lane.text) symbol = kSymbols[random.below(kSymbols.size())];
  }

  const std::uint64_t bytes_;
};

Status run(const BenchOptions& options, Report& report) {
  PayloadScenario scenario(options.bytes);
  if (Status status = run_load(options, scenario, report); !status.ok()) return status;
  report.add_rate("payload_bytes_per_s", static_cast<double>(report.completed * options.bytes));
  return {};
}

}  // namespace

Workload payload_workload() {
  return {"payload", "Large inputs, through an activity and out again.",
          kTakesLoad | kTakesActivity | kTakesBytes,
          [](BenchOptions& options) { options.concurrency = 64; }, run};
}

}  // namespace ingot::bench
