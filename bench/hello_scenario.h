#pragma once

// The load of `hello`: what the main job runs, and what `recover` leaves behind.

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/load.h"
#include "bench/orchestrators.h"

namespace ingot::bench {

class HelloScenario final : public Scenario {
 public:
  explicit HelloScenario(std::uint32_t length)
      : input_(std::to_string(length)), output_(hello_output(length)) {}

  std::string_view orchestrator() const override { return "hello"; }
  void prepare(Lane&, StartOptions& start) override { start.input = input_; }
  std::string verify(const Lane&, const InstanceState& state) override {
    return bench::verify(state, output_);
  }

 private:
  const std::string input_;
  const std::string output_;
};

}  // namespace ingot::bench
