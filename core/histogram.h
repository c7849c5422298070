#pragma once

// Histogram: counts of durations (or any unsigned values), exact to under one percent.
//
// Log-linear, as HdrHistogram: values below 256 have a bucket each; above, every power of two is
// cut into 128 buckets. Recording is one increment, without allocation; memory is 36 KiB. Not
// thread-safe: each thread keeps its own and they are merged at the end.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace ingot {

class Histogram {
 public:
  // Larger values are counted as this one: 2^42 - 1, or 73 minutes of nanoseconds.
  static constexpr std::uint64_t kValueMax = (1ULL << 42) - 1;

  void record(std::uint64_t value, std::uint64_t times = 1) {
    value = std::min(value, kValueMax);
    buckets_[index_of(value)] += times;
    count_ += times;
    max_ = std::max(max_, value);
  }

  void merge(const Histogram& other) {
    for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    max_ = std::max(max_, other.max_);
  }

  [[nodiscard]] std::uint64_t count() const { return count_; }
  // The largest value recorded, exact; 0 when empty.
  [[nodiscard]] std::uint64_t max() const { return max_; }

  // The smallest value v such that a share of at least `quantile` (0 to 1) of what was recorded is
  // at most v, given as the highest value of its bucket; 0 when empty.
  [[nodiscard]] std::uint64_t quantile(double quantile) const {
    if (count_ == 0) return 0;
    const double wanted = std::clamp(quantile, 0.0, 1.0) * static_cast<double>(count_);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += buckets_[i];
      if (seen != 0 && static_cast<double>(seen) >= wanted) return std::min(highest_of(i), max_);
    }
    return max_;
  }

 private:
  static constexpr unsigned kSubBits = 7;  // 128 buckets a power of two
  static constexpr std::uint64_t kSub = 1ULL << kSubBits;
  static constexpr std::size_t kBuckets = static_cast<std::size_t>((42 - kSubBits) * kSub + kSub);

  static constexpr std::size_t index_of(std::uint64_t value) {
    if (value < 2 * kSub) return static_cast<std::size_t>(value);
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - kSubBits - 1;
    return static_cast<std::size_t>(shift * kSub + (value >> shift));
  }
  static constexpr std::uint64_t highest_of(std::size_t index) {
    if (index < 2 * kSub) return index;
    const std::uint64_t shift = index / kSub - 1;
    return ((index - shift * kSub + 1) << shift) - 1;
  }

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace ingot
