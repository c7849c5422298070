#include "bench/collision.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/orchestrators.h"
#include "core/random.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

constexpr std::uint64_t kLeaf = 100;  // numbers that an activity tries
constexpr std::uint64_t kParts = 10;
constexpr std::uint64_t kSearches = 8;

struct Range {
  std::uint32_t hash = 0;
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};

std::string to_text(const Range& range) {
  return fmt::format("{} {} {}", range.hash, range.first, range.count);
}

Range parse_range(std::string_view text) {
  Range range;
  range.hash = static_cast<std::uint32_t>(parse_number(take_word(text)));
  range.first = parse_number(take_word(text));
  range.count = parse_number(text);
  return range;
}

// FNV-1a over the decimal digits, cut to 12 bits, so that there are collisions to find.
std::uint32_t hash_of(std::uint64_t number) {
  std::uint32_t hash = 2166136261U;
  for (; number != 0; number /= 10) {
    hash = (hash ^ static_cast<std::uint32_t>(number % 10)) * 16777619U;
  }
  return (hash ^ (hash >> 15)) & 0xFFF;
}

std::string scan(const Range& range) {
  std::string found;
  for (std::uint64_t number = range.first; number < range.first + range.count; ++number) {
    if (hash_of(number) != range.hash) continue;
    if (!found.empty()) found += ' ';
    found += std::to_string(number);
  }
  return found;
}

Task<std::string> collision(OrchestrationContext& context) {
  const Range range = parse_range(context.input());
  if (range.count <= kLeaf) {
    std::string found = co_await context.call_activity("scan", context.input());
    co_return found;
  }
  std::vector<Future<std::string>> parts;
  const std::uint64_t size = std::max(kLeaf, (range.count + kParts - 1) / kParts);
  for (std::uint64_t done = 0; done < range.count; done += size) {
    const Range part{range.hash, range.first + done, std::min(size, range.count - done)};
    const std::string input = to_text(part);
    parts.push_back(context.call_sub_orchestration("collision", input));
  }
  const std::vector<std::string> outputs = co_await context.when_all(std::move(parts));
  std::string found;
  for (const std::string& output : outputs) {
    if (!output.empty() && !found.empty()) found += ' ';
    found += output;
  }
  co_return found;
}

}  // namespace

Status add_collision(Registry& registry, ActivityOptions options) {
  INGOT_TRY(registry.add_activity(
      "scan", [](const ActivityContext& call) { return scan(parse_range(call.input)); }, options));
  return registry.add_orchestrator("collision", collision);
}

std::string collision_output(std::string_view input) { return scan(parse_range(input)); }

CollisionScenario::CollisionScenario(std::uint64_t count) {
  Random random(entropy64());
  for (std::uint64_t i = 0; i < kSearches; ++i) {
    const Range all{hash_of(random.below(count)), 0, count};
    searches_.push_back({to_text(all), scan(all)});
  }
}

const CollisionScenario::Search& CollisionScenario::search_of(const Lane& lane) const {
  return searches_[random_of(lane).below(searches_.size())];
}

void CollisionScenario::prepare(Lane& lane, StartOptions& start) {
  start.input = search_of(lane).input;
}

std::string CollisionScenario::verify(const Lane& lane, const InstanceState& state) {
  return bench::verify(state, search_of(lane).output);
}

}  // namespace ingot::bench
