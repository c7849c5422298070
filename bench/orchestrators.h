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
// "suborch": input `width`; runs that many of "child", which gives its input, and adds the outputs.
// "chain": input "<executions left> <digest>"; continues as new until none is left; the digest.
// "conversation": input `length`; runs "events", sends it so many events, and gives its output.
// Those with parts of their own are in entities.h, bank.h, count.h, word_count.h and collision.h.
[[nodiscard]] Registry make_registry(bool pool_activities);

[[nodiscard]] std::string hello_output(std::uint32_t length);
[[nodiscard]] std::string sum_output(std::uint32_t width);  // of "fanout" and "suborch"
[[nodiscard]] std::string timers_input(std::uint32_t length, std::uint32_t delay_ms);
[[nodiscard]] std::string timers_output(std::uint32_t length);
[[nodiscard]] std::string chain_input(std::uint32_t length);
[[nodiscard]] std::string chain_output(std::uint32_t length);
// The same, by the input of any of its executions.
[[nodiscard]] std::string chain_output_of(std::string_view input);
[[nodiscard]] std::string conversation_output(std::uint32_t length);
[[nodiscard]] std::string events_output(std::uint64_t count, std::uint64_t sum);

// What has become of the instance, in words.
[[nodiscard]] std::string describe(const InstanceState& state);
// Empty when `state` is Completed with `output`, else what is wrong with it.
[[nodiscard]] std::string verify(const InstanceState& state, std::string_view output);

// The decimal number at the start of `text`, 0 when there is none.
[[nodiscard]] std::uint64_t parse_number(std::string_view text);
// The first word of `text`, which is left with what stands behind the space that ends it.
[[nodiscard]] std::string_view take_word(std::string_view& text);

}  // namespace ingot::bench
