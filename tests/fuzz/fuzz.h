#pragma once

// What the fuzz targets share. A target is one source that defines the two functions below; linked
// with libFuzzer it is a fuzzer, linked with replay.cc a test that needs no libFuzzer.
//
// A target does more than survive: whatever it accepts must keep its meaning when it is written and
// read again. Where a checksum guards the bytes, the target writes the right one first, so that the
// fuzzer reaches what lies behind.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

// Ends the process with the place: the input at hand is a finding.
#define FUZZ_CHECK(condition)                                                      \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                \
    }                                                                              \
  } while (false)

namespace ingot::fuzz {

// One input. Everything in it is allowed.
void run(std::string_view input);
// Good inputs, made by the real encoders: where the fuzzer begins.
[[nodiscard]] std::vector<std::string> seeds();

// Takes an input apart; gives zeros and nothing at its end.
class Parts {
 public:
  explicit Parts(std::string_view input) : rest_(input) {}

  [[nodiscard]] bool more() const { return !rest_.empty(); }
  std::uint8_t u8() {
    const std::string_view byte = take(1);
    return byte.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(byte.front());
  }
  std::uint64_t u64() {
    std::uint64_t value = 0;
    const std::string_view bytes = take(sizeof value);
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }
  // Up to `size` bytes.
  std::string_view take(std::size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  // Bytes with their length in front, as one byte or, from 255 on, all that follows.
  std::string_view text() {
    const std::uint8_t size = u8();
    return take(size == 255 ? rest_.size() : size);
  }
  std::string_view rest() { return take(rest_.size()); }

 private:
  std::string_view rest_;
};

}  // namespace ingot::fuzz

// What libFuzzer calls.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
