#include "partition/hub/instance_id_maker.h"

#include <array>
#include <bit>
#include <cstring>

#include "core/codec.h"
#include "core/hash.h"

namespace ingot::partition {
namespace {

// The eight hexadecimal digits of `value`, as bytes in their order.
std::array<char, 8> hex_digits(std::uint32_t value) {
  std::uint64_t nibbles = value;  // one to a byte, the first digit in the lowest
  nibbles = (nibbles << 32 | nibbles >> 16) & 0x0000FFFF0000FFFFU;
  nibbles = (nibbles << 16 | nibbles >> 8) & 0x00FF00FF00FF00FFU;
  nibbles = (nibbles << 8 | nibbles >> 4) & 0x0F0F0F0F0F0F0F0FU;
  constexpr std::uint64_t kEach = 0x0101010101010101U;
  const std::uint64_t letters = (nibbles + 6 * kEach) >> 4 & kEach;
  return std::bit_cast<std::array<char, 8>>(nibbles + '0' * kEach + letters * ('a' - '0' - 10));
}

std::string uuid_text(std::uint64_t high, std::uint64_t low) {
  std::string text(36, '-');
  const auto write = [&](std::size_t at, const char* digits, std::size_t count) {
    std::memcpy(text.data() + at, digits, count);
  };
  const auto a = hex_digits(static_cast<std::uint32_t>(high >> 32));
  const auto b = hex_digits(static_cast<std::uint32_t>(high));
  const auto c = hex_digits(static_cast<std::uint32_t>(low >> 32));
  const auto d = hex_digits(static_cast<std::uint32_t>(low));
  write(0, a.data(), 8);
  write(9, b.data(), 4);
  write(14, b.data() + 4, 4);
  write(19, c.data(), 4);
  write(24, c.data() + 4, 4);
  write(28, d.data(), 8);
  return text;
}

}  // namespace

std::string InstanceIdMaker::of_request(std::uint64_t request_id) {
  std::string bytes;
  put_fixed64(bytes, request_id);
  return uuid_text((hash64(bytes, 1) & ~0xF000ULL) | 0x8000,
                   (hash64(bytes, 2) & ~(3ULL << 62)) | 1ULL << 63);
}

std::string InstanceIdMaker::make() {
  const auto ms = static_cast<std::uint64_t>(
      std::chrono::floor<std::chrono::milliseconds>(clock_.now()).time_since_epoch().count());
  const std::uint64_t count = counter_.fetch_add(1, std::memory_order_relaxed);
  // rand_a (12 bits) and the top of rand_b (20 bits) hold the counter, the rest (42 bits) is mixed
  // from the seed and the counter: ids of one millisecond stay in order, those of two processes
  // differ.
  const std::uint64_t mixed = Random(seed_ ^ (count * 0x9E3779B97F4A7C15U)).next();
  const std::uint64_t high = ms << 16 | 0x7000 | (count >> 20 & 0xFFF);
  const std::uint64_t low = 1ULL << 63 | (count & 0xFFFFF) << 42 | (mixed & ((1ULL << 42) - 1));
  return uuid_text(high, low);
}

}  // namespace ingot::partition
