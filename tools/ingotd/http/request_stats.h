#pragma once

// RequestStats: how many requests each route has answered, with what, and how long that took.
//
// One thread records; others may read at any time.

#include <ingot/time.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>

namespace ingot::server {

class RequestStats {
 public:
  // Upper bounds of the buckets, in microseconds; one more bucket takes the rest.
  static constexpr std::array<std::uint64_t, 13> kBounds = {
      500,     1'000,   2'500,   5'000,     10'000,    25'000,    50'000,
      100'000, 250'000, 500'000, 1'000'000, 2'500'000, 10'000'000};

  struct RouteStats {
    std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> buckets{};
    std::array<std::atomic<std::uint64_t>, 6> by_class{};  // status / 100
    std::atomic<std::uint64_t> micros{0};                  // in all
  };

  explicit RequestStats(std::size_t routes) : routes_(routes) {}

  void record(std::size_t route, int status, Duration taken) {
    RouteStats& stats = routes_[route];
    const auto micros = static_cast<std::uint64_t>(taken.count());
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && micros > kBounds[bucket]) ++bucket;
    add(stats.buckets[bucket], 1);
    add(stats.by_class[static_cast<std::size_t>(status / 100) % stats.by_class.size()], 1);
    add(stats.micros, micros);
  }

  [[nodiscard]] const RouteStats& of(std::size_t route) const { return routes_[route]; }

 private:
  static void add(std::atomic<std::uint64_t>& counter, std::uint64_t amount) {
    counter.fetch_add(amount, std::memory_order_relaxed);
  }

  std::deque<RouteStats> routes_;
};

}  // namespace ingot::server
