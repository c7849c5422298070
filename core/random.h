#pragma once

// A seeded stream of random numbers: SplitMix64 (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", OOPSLA 2014). The same seed gives the same stream everywhere.

#include <cstdint>

namespace ingot {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  // Uniform over [0, bound), bound > 0 (the bias of the multiplication is below 2^-32 here).
  std::uint64_t below(std::uint64_t bound) {
    return static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64);
  }
  // True once in `n` on average.
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  __extension__ using Wide = unsigned __int128;
  std::uint64_t state_;
};

// 64 bits from the operating system; for seeds only. In the composition root, never in a state
// machine.
[[nodiscard]] std::uint64_t entropy64();

}  // namespace ingot
