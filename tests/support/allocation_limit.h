#pragma once

// AllocationLimit: memory that is not there. While one lives, `operator new` throws for what is
// larger, on the thread that made it only.
//
// A program that uses it has `operator new` and `operator delete` of its own (allocation_limit.cc).

#include <cstddef>

namespace ingot::testing {

class AllocationLimit {
 public:
  // No single allocation may have more than `bytes_max` bytes.
  explicit AllocationLimit(std::size_t bytes_max);
  ~AllocationLimit();
  AllocationLimit(const AllocationLimit&) = delete;
  AllocationLimit& operator=(const AllocationLimit&) = delete;

 private:
  const std::size_t before_;
};

}  // namespace ingot::testing
