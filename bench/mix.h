#pragma once

// A mix of the workloads whose unit is an instance: each lane draws anew what to run next.

#include <ingot/status.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load.h"

namespace ingot::bench {

struct MixShare {
  std::string kind;
  std::uint32_t weight = 0;
};

// "hello=50,bank=10" and the like. invalid_argument for an unknown or repeated kind, a weight that
// is no number up to 1,000,000, or weights that are all 0.
[[nodiscard]] Result<std::vector<MixShare>> parse_mix(std::string_view text);
// The names of all kinds, with a comma and a space between.
[[nodiscard]] std::string mix_kinds();

class MixScenario final : public Scenario {
 public:
  MixScenario(const std::vector<MixShare>& shares, const BenchOptions& options);

  void begin(Session& session) override;
  std::string_view orchestrator(const Lane& lane) const override;
  void prepare(Lane& lane, StartOptions& start) override;
  std::string verify(const Lane& lane, const InstanceState& state) override;
  // Also says how many of each kind were right.
  Status finish(Session& session, Report& report) override;

 private:
  struct Part {
    std::string kind;
    std::uint64_t weights_up_to = 0;  // its own included
    std::unique_ptr<Scenario> scenario;
    std::atomic<std::uint64_t> verified = 0;
  };
  [[nodiscard]] Part& part_of(const Lane& lane) const;

  std::vector<std::unique_ptr<Part>> parts_;
};

}  // namespace ingot::bench
