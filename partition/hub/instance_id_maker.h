#pragma once

// Ids for instances that were given none: UUID version 7 (RFC 9562, 5.7), so that they are ordered
// by time and the id index appends.

#include <atomic>
#include <cstdint>
#include <string>

#include "core/clock.h"
#include "core/random.h"

namespace ingot::partition {

class InstanceIdMaker {
 public:
  InstanceIdMaker(const Clock& clock, std::uint64_t seed) : clock_(clock), seed_(seed) {}

  // Any thread. 48 bits of milliseconds, then a counter that never repeats in this process, then
  // bits that differ between processes.
  [[nodiscard]] std::string make();
  // The id that stands for a request id: always the same (a UUID of version 8).
  [[nodiscard]] static std::string of_request(std::uint64_t request_id);

 private:
  const Clock& clock_;
  const std::uint64_t seed_;
  std::atomic<std::uint64_t> counter_{0};
};

}  // namespace ingot::partition
