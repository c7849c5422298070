#pragma once

// The identities and positions of Ingot, each a type of its own.

#include <ingot/status.h>

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace ingot {

template <typename Tag, typename Value>
struct StrongInteger {
  Value value{};

  constexpr StrongInteger() = default;
  constexpr explicit StrongInteger(Value v) : value(v) {}
  constexpr auto operator<=>(const StrongInteger&) const = default;
  constexpr StrongInteger& operator++() {
    ++value;
    return *this;
  }
  // The identity or position `steps` further on.
  [[nodiscard]] constexpr StrongInteger plus(Value steps) const {
    return StrongInteger(static_cast<Value>(value + steps));
  }
};

// A partition of a task hub: 0 up to the hub's partition count.
using PartitionId = StrongInteger<struct PartitionIdTag, std::uint32_t>;
// The ordinal of a fact in its partition's commit log; the first fact has position 1, and 0 is
// "before everything".
using Position = StrongInteger<struct PositionTag, std::uint64_t>;
// The ordinal of an instance's creation in its partition; the first has 1, and 0 is no instance.
using SequenceNumber = StrongInteger<struct SequenceNumberTag, std::uint64_t>;

// One execution of an instance; a new one is minted when the instance is created or continues as
// new. 128 random bits taken from the partition's seeded stream.
struct ExecutionId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  auto operator<=>(const ExecutionId&) const = default;
  [[nodiscard]] bool empty() const { return high == 0 && low == 0; }
};

// 32 lower-case hexadecimal digits.
[[nodiscard]] std::string to_string(ExecutionId id);
// The reverse; `invalid_argument` for anything but 32 hexadecimal digits.
[[nodiscard]] Result<ExecutionId> parse_execution_id(std::string_view text);

inline constexpr std::size_t kInstanceIdBytesMax = 256;

// `invalid_argument` unless `id` is 1 to 256 bytes of valid UTF-8 without control characters.
[[nodiscard]] Status validate_instance_id(std::string_view id);
// The same rule for the names of orchestrators, activities and events; `what` names the kind in
// the message.
[[nodiscard]] Status validate_name(std::string_view what, std::string_view name);

}  // namespace ingot
