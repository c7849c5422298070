#pragma once

// FixedScenario: a load whose instances all have one input and must all give one output.

#include <string>
#include <string_view>
#include <utility>

#include "bench/load.h"
#include "bench/orchestrators.h"

namespace ingot::bench {

class FixedScenario final : public Scenario {
 public:
  FixedScenario(std::string orchestrator, std::string input, std::string output)
      : orchestrator_(std::move(orchestrator)),
        input_(std::move(input)),
        output_(std::move(output)) {}

  std::string_view orchestrator(const Lane&) const override { return orchestrator_; }
  void prepare(Lane&, StartOptions& start) override { start.input = input_; }
  std::string verify(const Lane&, const InstanceState& state) override {
    return bench::verify(state, output_);
  }

 private:
  const std::string orchestrator_;
  const std::string input_;
  const std::string output_;
};

// What several workloads run.
[[nodiscard]] inline FixedScenario hello_scenario(std::uint32_t length) {
  return {"hello", std::to_string(length), hello_output(length)};
}
[[nodiscard]] inline FixedScenario fanout_scenario(std::uint32_t width) {
  return {"fanout", std::to_string(width), sum_output(width)};
}
[[nodiscard]] inline FixedScenario suborch_scenario(std::uint32_t width) {
  return {"suborch", std::to_string(width), sum_output(width)};
}
[[nodiscard]] inline FixedScenario chain_scenario(std::uint32_t length) {
  return {"chain", chain_input(length), chain_output(length)};
}
[[nodiscard]] inline FixedScenario timers_scenario(std::uint32_t length, std::uint32_t delay_ms) {
  return {"timers", timers_input(length, delay_ms), timers_output(length)};
}
[[nodiscard]] inline FixedScenario conversation_scenario(std::uint32_t length) {
  return {"conversation", std::to_string(length), conversation_output(length)};
}

}  // namespace ingot::bench
