#include "partition/hub/instance_id_maker.h"

#include "core/codec.h"
#include "core/hash.h"

namespace ingot::partition {
namespace {

std::string uuid_text(std::uint64_t high, std::uint64_t low) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(36, '-');
  std::size_t at = 0;
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) ++at;
    const std::uint64_t half = nibble < 16 ? high : low;
    text[at++] = kDigits[half >> (60 - 4 * (nibble % 16)) & 15];
  }
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
