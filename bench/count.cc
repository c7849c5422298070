#include "bench/count.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/entities.h"
#include "bench/orchestrators.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

Task<std::string> count(OrchestrationContext& context) {
  std::string_view input = context.input();
  const EntityId counter("counter", take_word(input));
  const std::uint64_t signals = parse_number(input);
  for (std::uint64_t i = 0; i < signals; ++i) context.signal_entity(counter, "add", "1");
  std::string value = co_await context.call_entity(counter, "get");
  co_return value;
}

}  // namespace

Status add_count(Registry& registry) { return registry.add_orchestrator("count", count); }

CountScenario::CountScenario(std::uint32_t counters, std::uint32_t signals)
    : signals_(signals), counts_(counters) {}

void CountScenario::begin(Session& session) {
  const auto before = read_numbers(session.client(), "counter", counts_.size());
  if (!before.ok()) return;  // finish() will meet the same failure, and reports it
  for (std::size_t key = 0; key < counts_.size(); ++key) {
    counts_[key] = static_cast<std::uint64_t>((*before)[key]);
  }
}

void CountScenario::prepare(Lane& lane, StartOptions& start) {
  start.input = fmt::format("{} {}", lane.index % counts_.size(), signals_);
}

std::string CountScenario::verify(const Lane& lane, const InstanceState& state) {
  const std::uint64_t value = parse_number(state.output.value_or(""));
  // Others count too; how much, is known at the end.
  const std::string expected = std::to_string(std::max<std::uint64_t>(value, signals_));
  std::string wrong = bench::verify(state, expected);
  if (wrong.empty()) counts_[lane.index % counts_.size()].fetch_add(signals_);
  return wrong;
}

Status CountScenario::finish(Session& session, Report& report) {
  const std::vector<std::uint64_t> expected(counts_.begin(), counts_.end());
  return verify_counters(session.client(), expected, report);
}

Status verify_counters(Client& client, const std::vector<std::uint64_t>& expected, Report& report) {
  INGOT_ASSIGN(const std::vector<std::int64_t> numbers,
               read_numbers(client, "counter", expected.size()));
  for (std::size_t key = 0; key < expected.size(); ++key) {
    if (numbers[key] == static_cast<std::int64_t>(expected[key])) {
      ++report.verified_outputs;
    } else {
      report.add_error(
          fmt::format("counter {} has {}, expected {}", key, numbers[key], expected[key]));
    }
  }
  return {};
}

}  // namespace ingot::bench
