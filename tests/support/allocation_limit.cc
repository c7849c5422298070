#include "tests/support/allocation_limit.h"

#include <cstdlib>
#include <new>

namespace {

constinit thread_local std::size_t bytes_limit = SIZE_MAX;
constinit thread_local std::uint64_t until_fault = 0;  // allocations, the one that fails included

}  // namespace

namespace ingot::testing {

AllocationLimit::AllocationLimit(std::size_t bytes_max) : before_(bytes_limit) {
  bytes_limit = bytes_max;
}

AllocationLimit::~AllocationLimit() { bytes_limit = before_; }

AllocationFault::AllocationFault(std::uint64_t nth) { until_fault = nth; }

AllocationFault::~AllocationFault() { until_fault = 0; }

bool AllocationFault::happened() const { return until_fault == 0; }

}  // namespace ingot::testing

// All kinds, so that a sanitizer's own don't meet these.
void* operator new(std::size_t bytes, const std::nothrow_t& /*nothrow*/) noexcept {
  if (until_fault != 0 && --until_fault == 0) return nullptr;
  return bytes > bytes_limit ? nullptr : std::malloc(bytes != 0 ? bytes : 1);
}
void* operator new(std::size_t bytes) {
  void* const block = ::operator new(bytes, std::nothrow);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void* operator new[](std::size_t bytes) { return ::operator new(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t& nothrow) noexcept {
  return ::operator new(bytes, nothrow);
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t /*bytes*/) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t /*bytes*/) noexcept { std::free(block); }
void operator delete(void* block, const std::nothrow_t& /*nothrow*/) noexcept { std::free(block); }
void operator delete[](void* block, const std::nothrow_t& /*nothrow*/) noexcept {
  std::free(block);
}
