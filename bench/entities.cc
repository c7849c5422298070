#include "bench/entities.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

#include "bench/orchestrators.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

constexpr std::uint64_t kReadAtOnce = 200;
constexpr auto kReadTimeMax = std::chrono::seconds(60);

EntityFn number_entity(std::int64_t first) {
  return [first](EntityContext& context) {
    const std::optional<std::string_view> state = context.state();
    std::int64_t number = state ? parse_signed(*state) : first;
    if (context.operation() == "add") {
      number += parse_signed(context.input());
      std::string text = std::to_string(number);
      context.set_state(text);
      return text;
    }
    if (context.operation() != "get") throw UnknownOperation(context.operation());
    return std::to_string(number);
  };
}

// Input "<entity> <first key> <how many>"; output the numbers, a space after each.
Task<std::string> read_entities(OrchestrationContext& context) {
  std::string_view input = context.input();
  const std::string entity(take_word(input));
  const std::uint64_t first = parse_number(take_word(input));
  const std::uint64_t count = parse_number(input);
  std::vector<Future<std::string>> calls;
  calls.reserve(count);
  for (std::uint64_t key = first; key < first + count; ++key) {
    const EntityId id(entity, std::to_string(key));
    calls.push_back(context.call_entity(id, "get"));
  }
  const std::vector<std::string> numbers = co_await context.when_all(std::move(calls));
  std::string output;
  for (const std::string& number : numbers) {
    output += number;
    output += ' ';
  }
  co_return output;
}

}  // namespace

Status add_number_entities(Registry& registry) {
  INGOT_TRY(registry.add_entity("counter", number_entity(0)));
  INGOT_TRY(registry.add_entity("account", number_entity(kFirstBalance)));
  return registry.add_orchestrator("read_entities", read_entities);
}

Result<std::vector<std::int64_t>> read_numbers(Client& client, std::string_view entity,
                                               std::uint64_t count) {
  std::vector<std::int64_t> numbers;
  numbers.reserve(count);
  while (numbers.size() < count) {
    const std::uint64_t wanted = std::min(kReadAtOnce, count - numbers.size());
    StartOptions start;
    start.input =
        std::string(entity) + ' ' + std::to_string(numbers.size()) + ' ' + std::to_string(wanted);
    INGOT_ASSIGN(const std::string id, client.schedule_new_orchestration("read_entities", start));
    INGOT_ASSIGN(const InstanceState state, client.wait_for_completion(id, kReadTimeMax));
    std::string_view rest = state.output ? std::string_view(*state.output) : std::string_view();
    const auto given = static_cast<std::uint64_t>(std::count(rest.begin(), rest.end(), ' '));
    if (state.status != RuntimeStatus::completed || given != wanted) {
      return Status(StatusCode::internal,
                    describe(state) + ", expected " + std::to_string(wanted) + " numbers");
    }
    while (!rest.empty()) numbers.push_back(parse_signed(take_word(rest)));
  }
  return numbers;
}

std::int64_t parse_signed(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace ingot::bench
