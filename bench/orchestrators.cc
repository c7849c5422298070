#include "bench/orchestrators.h"

#include <array>
#include <charconv>
#include <utility>
#include <vector>

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
  const std::string_view input = context.input();
  const std::uint64_t length = parse_number(input);
  const std::size_t space = input.find(' ');
  const std::uint64_t delay_ms =
      space == std::string_view::npos ? 0 : parse_number(input.substr(space + 1));
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

std::string fanout_output(std::uint32_t width) {
  const std::uint64_t n = width;
  return std::to_string(n == 0 ? 0 : n * (n - 1) / 2);
}

std::string timers_output(std::uint32_t length) { return std::to_string(length) + " timers"; }

std::string events_output(std::uint64_t count, std::uint64_t sum) {
  return std::to_string(count) + ' ' + std::to_string(sum);
}

std::string verify(const InstanceState& state, std::string_view output) {
  if (state.status == RuntimeStatus::completed && state.output && *state.output == output) {
    return {};
  }
  std::string what = "instance " + state.instance_id + " is ";
  what += to_string(state.status);
  if (state.failure) what += " (" + state.failure->type + ": " + state.failure->message + ")";
  what += ", output \"" + state.output.value_or("").substr(0, 200) + "\", expected \"";
  what += output.substr(0, 200);
  what += '"';
  return what;
}

std::string verify_hello(const InstanceState& state) {
  const std::uint64_t length = parse_number(state.input.value_or(""));
  return verify(state, hello_output(static_cast<std::uint32_t>(length)));
}

std::uint64_t parse_number(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace ingot::bench
