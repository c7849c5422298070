#pragma once

// The search for all numbers of a range whose hash is a given one, by dividing the range: each
// orchestration runs ten of itself for the parts, and an activity for a part that is small.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load.h"

namespace ingot::bench {

// The orchestrator "collision": input "<hash> <first> <count>"; output the numbers, in order, with
// a space between. And its activity.
Status add_collision(Registry& registry, ActivityOptions options);

// The output for an input, by plain search.
[[nodiscard]] std::string collision_output(std::string_view input);

class CollisionScenario final : public Scenario {
 public:
  // Searches the numbers 0 to `count` - 1.
  explicit CollisionScenario(std::uint64_t count);

  std::string_view orchestrator(const Lane&) const override { return "collision"; }
  void prepare(Lane& lane, StartOptions& start) override;
  std::string verify(const Lane& lane, const InstanceState& state) override;

 private:
  struct Search {
    std::string input;
    std::string output;
  };
  [[nodiscard]] const Search& search_of(const Lane& lane) const;

  std::vector<Search> searches_;
};

}  // namespace ingot::bench
