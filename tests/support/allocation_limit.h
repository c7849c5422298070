#pragma once

// AllocationLimit, AllocationFault: memory that is not there. While one lives, `operator new`
// throws for what is larger, or once, on the thread that made it only.
//
// A program that uses them has `operator new` and `operator delete` of its own
// (allocation_limit.cc).

#include <cstddef>
#include <cstdint>

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

// One at a time.
class AllocationFault {
 public:
  // The nth allocation from now on fails, counted from 1.
  explicit AllocationFault(std::uint64_t nth);
  ~AllocationFault();
  AllocationFault(const AllocationFault&) = delete;
  AllocationFault& operator=(const AllocationFault&) = delete;

  [[nodiscard]] bool happened() const;
};

}  // namespace ingot::testing
