#include "tests/faults/allocations.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* old, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);
}

namespace ingot::faults {
namespace {

constexpr std::size_t kKinds = static_cast<std::size_t>(Memory::count_);

std::array<std::atomic<std::uint64_t>, kKinds> counters;
std::atomic<bool> watching{false};
std::atomic<bool> opening{false};
std::atomic<bool> armed{false};
std::atomic<std::uint64_t> hit{0};
Memory failing = Memory::c;
std::uint64_t failing_nth = 0;
bool failing_for_good = false;

thread_local bool own_thread = false;  // the test's, outside the hub
thread_local bool inside_new = false;

bool fails(Memory memory) {
  if (!watching.load(std::memory_order_acquire) || own_thread) return false;
  const std::uint64_t number = ++counters[static_cast<std::size_t>(memory)];
  if (!armed.load(std::memory_order_acquire) || memory != failing) return false;
  if (failing_for_good ? number < failing_nth : number != failing_nth) return false;
  ++hit;
  return true;
}

bool c_fails() {
  if (inside_new || !fails(Memory::c)) return false;
  errno = ENOMEM;
  return true;
}

void* allocate(std::size_t bytes, std::size_t alignment) {
  if (fails(opening.load() ? Memory::cpp_opening : Memory::cpp_working)) return nullptr;
  inside_new = true;
  void* const memory = alignment <= alignof(std::max_align_t)
                           ? __libc_malloc(bytes == 0 ? 1 : bytes)
                           : __libc_memalign(alignment, bytes);
  inside_new = false;
  return memory;
}

void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
  void* const memory = allocate(bytes, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

std::string_view to_string(Memory memory) {
  constexpr std::array<std::string_view, kKinds> kNames = {"c", "cpp_opening", "cpp_working"};
  return kNames[static_cast<std::size_t>(memory)];
}

void watch_memory() {
  own_thread = true;
  fail_no_memory();
  for (auto& counter : counters) counter = 0;
  hit = 0;
  watching = true;
}

void fail_memory(Memory memory, std::uint64_t nth, bool for_good) {
  failing = memory;
  failing_nth = nth;
  failing_for_good = for_good;
  armed.store(true, std::memory_order_release);
}

void fail_no_memory() { armed.store(false, std::memory_order_release); }
std::uint64_t memory_count(Memory memory) { return counters[static_cast<std::size_t>(memory)]; }
std::uint64_t memory_hits() { return hit.load(); }

void begin_opening() {
  opening = true;
  own_thread = false;
}

void end_opening() {
  if (watching.load()) own_thread = true;
  opening = false;
}

}  // namespace ingot::faults

extern "C" {

void* malloc(std::size_t bytes) noexcept {
  return ingot::faults::c_fails() ? nullptr : __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) noexcept {
  return ingot::faults::c_fails() ? nullptr : __libc_calloc(count, bytes);
}
void* realloc(void* old, std::size_t bytes) noexcept {
  return ingot::faults::c_fails() ? nullptr : __libc_realloc(old, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  return ingot::faults::c_fails() ? nullptr : __libc_memalign(alignment, bytes);
}
int posix_memalign(void** out, std::size_t alignment, std::size_t bytes) noexcept {
  if (ingot::faults::c_fails()) return ENOMEM;
  *out = __libc_memalign(alignment, bytes);
  return *out == nullptr ? ENOMEM : 0;
}

}  // extern "C"

void* operator new(std::size_t bytes) { return ingot::faults::allocate_or_throw(bytes, 1); }
void* operator new[](std::size_t bytes) { return ingot::faults::allocate_or_throw(bytes, 1); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return ingot::faults::allocate_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return ingot::faults::allocate_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return ingot::faults::allocate(bytes, 1);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return ingot::faults::allocate(bytes, 1);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
