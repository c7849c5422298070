#include "bench/orchestrators.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "bench/bank.h"
#include "bench/collision.h"
#include "bench/count.h"
#include "bench/entities.h"
#include "bench/word_count.h"
#include "core/assert.h"

namespace ingot::bench {
namespace {

constexpr std::array<std::string_view, 5> kCities = {"Tokyo", "Seattle", "London", "Amsterdam",
                                                     "Mumbai"};

std::string greeting(std::string_view city) {
  std::string text = "Hello ";
  text += city;
  text += '!';
  return text;
}

Task<std::string> hello(OrchestrationContext& context) {
  const std::uint64_t length = parse_number(context.input());
  std::string text;
  for (std::uint64_t i = 0; i < length; ++i) {
    const std::string said = co_await context.call_activity("say_hello", kCities[i % 5]);
    if (i != 0) text += ", ";
    text += said;
  }
  co_return text;
}

Task<std::string> fanout(OrchestrationContext& context) {
  const std::uint64_t width = parse_number(context.input());
  std::vector<Future<std::string>> calls;
  calls.reserve(width);
  for (std::uint64_t i = 0; i < width; ++i) {
    calls.push_back(context.call_activity("echo", std::to_string(i)));
  }
  const std::vector<std::string> results = co_await context.when_all(std::move(calls));
  std::uint64_t sum = 0;
  for (const std::string& result : results) sum += parse_number(result);
  co_return std::to_string(sum);
}

Task<std::string> events(OrchestrationContext& context) {
  std::uint64_t count = 0;
  std::uint64_t sum = 0;
  for (;;) {
    const std::string data = co_await context.wait_for_event("value");
    if (data == "end") break;
    sum += parse_number(data);
    ++count;
  }
  co_return events_output(count, sum);
}

Task<std::string> timers(OrchestrationContext& context) {
  std::string_view input = context.input();
  const std::uint64_t length = parse_number(take_word(input));
  const std::uint64_t delay_ms = parse_number(input);
  for (std::uint64_t i = 0; i < length; ++i) {
    const Duration delay = std::chrono::milliseconds(delay_ms);
    co_await context.create_timer(delay);
  }
  co_return timers_output(static_cast<std::uint32_t>(length));
}

Task<std::string> payload(OrchestrationContext& context) {
  std::string output = co_await context.call_activity("echo", context.input());
  co_return output;
}

Task<std::string> waiting(OrchestrationContext& context) {
  std::string data = co_await context.wait_for_event("go");
  co_return data;
}

Task<std::string> child(OrchestrationContext& context) { co_return std::string(context.input()); }

Task<std::string> suborch(OrchestrationContext& context) {
  const std::uint64_t width = parse_number(context.input());
  std::vector<Future<std::string>> children;
  children.reserve(width);
  for (std::uint64_t i = 0; i < width; ++i) {
    children.push_back(context.call_sub_orchestration("child", std::to_string(i)));
  }
  const std::vector<std::string> outputs = co_await context.when_all(std::move(children));
  std::uint64_t sum = 0;
  for (const std::string& output : outputs) sum += parse_number(output);
  co_return std::to_string(sum);
}

// One execution of a chain: each changes the digest, and no two orders give the same.
std::uint64_t next_digest(std::uint64_t digest, std::uint64_t left) { return digest * 31 + left; }

std::string chain_state(std::uint64_t left, std::uint64_t digest) {
  return std::to_string(left) + ' ' + std::to_string(digest);
}

Task<std::string> chain(OrchestrationContext& context) {
  std::string_view input = context.input();
  const std::uint64_t left = parse_number(take_word(input));
  const std::uint64_t digest = next_digest(parse_number(input), left);
  if (left > 1) context.continue_as_new(chain_state(left - 1, digest));
  co_return std::to_string(digest);
}

Task<std::string> conversation(OrchestrationContext& context) {
  const std::uint64_t length = parse_number(context.input());
  const std::string other = context.new_guid();
  Future<std::string> events = context.call_sub_orchestration("events", {}, other);
  for (std::uint64_t i = 0; i < length; ++i) {
    context.send_event(other, "value", std::to_string(i));
  }
  context.send_event(other, "value", "end");
  std::string output = co_await std::move(events);
  co_return output;
}

void must(const Status& status) { INGOT_ASSERT(status.ok()); }

}  // namespace

Registry make_registry(bool pool_activities) {
  const ActivityOptions options{.run_inline = !pool_activities};
  Registry registry;
  must(registry.add_orchestrator("hello", hello));
  must(registry.add_orchestrator("fanout", fanout));
  must(registry.add_orchestrator("events", events));
  must(registry.add_orchestrator("timers", timers));
  must(registry.add_orchestrator("payload", payload));
  must(registry.add_orchestrator("waiting", waiting));
  must(registry.add_orchestrator("suborch", suborch));
  must(registry.add_orchestrator("child", child));
  must(registry.add_orchestrator("chain", chain));
  must(registry.add_orchestrator("conversation", conversation));
  must(add_number_entities(registry));
  must(add_bank(registry));
  must(add_count(registry));
  must(add_word_count(registry));
  must(add_collision(registry, options));
  must(registry.add_activity(
      "say_hello", [](const ActivityContext& call) { return greeting(call.input); }, options));
  must(registry.add_activity(
      "echo", [](const ActivityContext& call) { return std::string(call.input); }, options));
  return registry;
}

std::string hello_output(std::uint32_t length) {
  std::string text;
  for (std::uint32_t i = 0; i < length; ++i) {
    if (i != 0) text += ", ";
    text += greeting(kCities[i % 5]);
  }
  return text;
}

std::string sum_output(std::uint32_t width) {
  const std::uint64_t n = width;
  return std::to_string(n == 0 ? 0 : n * (n - 1) / 2);
}

std::string timers_input(std::uint32_t length, std::uint32_t delay_ms) {
  return std::to_string(length) + ' ' + std::to_string(delay_ms);
}

std::string timers_output(std::uint32_t length) { return std::to_string(length) + " timers"; }

std::string events_output(std::uint64_t count, std::uint64_t sum) {
  return std::to_string(count) + ' ' + std::to_string(sum);
}

std::string chain_input(std::uint32_t length) { return chain_state(length, 0); }

std::string chain_output(std::uint32_t length) { return chain_output_of(chain_input(length)); }

std::string chain_output_of(std::string_view input) {
  std::uint64_t left = parse_number(take_word(input));
  std::uint64_t digest = parse_number(input);
  do digest = next_digest(digest, left);
  while (left-- > 1);
  return std::to_string(digest);
}

std::string conversation_output(std::uint32_t length) {
  return events_output(length, parse_number(sum_output(length)));
}

std::string describe(const InstanceState& state) {
  std::string what = "instance " + state.instance_id + " is ";
  what += to_string(state.status);
  if (state.failure) what += " (" + state.failure->type + ": " + state.failure->message + ")";
  what += ", output \"" + state.output.value_or("").substr(0, 200) + '"';
  return what;
}

std::string verify(const InstanceState& state, std::string_view output) {
  if (state.status == RuntimeStatus::completed && state.output && *state.output == output) {
    return {};
  }
  std::string what = describe(state);
  what += ", expected \"";
  what += output.substr(0, 200);
  what += '"';
  return what;
}

std::uint64_t parse_number(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string_view take_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(text.size(), word.size() + 1));
  return word;
}

}  // namespace ingot::bench
