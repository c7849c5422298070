#pragma once

// The orchestrators and activities that the workloads run, and the outputs that they must give.
// All is told by the input, so that instances of any run can be checked, and finished, by another.

#include <ingot/instance.h>
#include <ingot/registry.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace ingot::bench {

// "hello": input `length`; calls the activity "say_hello" that often, one call after the other.
// "fanout": input `width`; calls the activity "echo" that often at once, adds the results.
// "events": takes events "value" until one is "end"; output "<how many> <their sum>".
// "timers": input "<length> <delay in ms>"; waits for so many timers, one after the other.
// "payload": its input through the activity "echo" and out again.
// "waiting": waits for one event "go" and gives its data.
[[nodiscard]] Registry make_registry(bool pool_activities);

[[nodiscard]] std::string hello_output(std::uint32_t length);
[[nodiscard]] std::string fanout_output(std::uint32_t width);
[[nodiscard]] std::string timers_output(std::uint32_t length);
[[nodiscard]] std::string events_output(std::uint64_t count, std::uint64_t sum);

// Empty when `state` is Completed with `output`, else what is wrong with it.
[[nodiscard]] std::string verify(const InstanceState& state, std::string_view output);
// The same for an instance of "hello", by its own input.
[[nodiscard]] std::string verify_hello(const InstanceState& state);

// The decimal number at the start of `text`, 0 when there is none.
[[nodiscard]] std::uint64_t parse_number(std::string_view text);

}  // namespace ingot::bench
