#pragma once

// Counting with entities, from orchestrations: for `mixed`.

#include <atomic>

#include "bench/load.h"

namespace ingot::bench {

// The orchestrator "count": input "<key> <n>". Signals n times "add" to the counter, then calls
// "get" and gives the answer, which is at least n, for the signals were sent before.
Status add_count(Registry& registry);

class CountScenario final : public Scenario {
 public:
  // Lane k uses counter k mod `counters`, and signals it `signals` times.
  CountScenario(std::uint32_t counters, std::uint32_t signals);

  // What runs before have left in the counters does not count.
  void begin(Session& session) override;
  std::string_view orchestrator(const Lane&) const override { return "count"; }
  void prepare(Lane& lane, StartOptions& start) override;
  std::string verify(const Lane& lane, const InstanceState& state) override;
  // Each counter has as much as was added to it.
  Status finish(Session& session, Report& report) override;

 private:
  const std::uint32_t signals_;
  std::vector<std::atomic<std::uint64_t>> counts_;  // what verified instances have made of each
};

// Adds an error to the report for each "counter" that does not have `expected`, by key; counts the
// others as verified outputs.
Status verify_counters(Client& client, const std::vector<std::uint64_t>& expected, Report& report);

}  // namespace ingot::bench
