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
void __libc_free(void* memory);
}

namespace ingot::faults {
namespace {

constexpr std::size_t kKinds = static_cast<std::size_t>(Memory::count_);

std::array<std::atomic<std::uint64_t>, kKinds> counters;
std::atomic<bool> watching{false};
std::atomic<bool> opening{false};
std::atomic<bool> armed{false};
std::atomic<std::uint64_t> hit{0};
std::atomic<std::int64_t> live{0};
Memory failing = Memory::c;
std::uint64_t failing_nth = 0;
bool failing_for_good = false;

thread_local bool own_thread = false;  // the test's, outside the hub
thread_local bool inside_new = false;

thread_local std::uint64_t own_left = 0;  // until one of this thread fails; 0: none does
thread_local bool own_for_good = false;
thread_local bool own_hit = false;

bool own_fails() {
  if (own_left == 0 || --own_left != 0) return false;
  if (own_for_good) own_left = 1;
  return own_hit = true;
}

bool fails(Memory memory) {
  if (!watching.load(std::memory_order_acquire) || own_thread) return false;
  const std::uint64_t number = ++counters[static_cast<std::size_t>(memory)];
  if (!armed.load(std::memory_order_acquire) || memory != failing) return false;
  if (failing_for_good ? number < failing_nth : number != failing_nth) return false;
  ++hit;
  return true;
}

bool c_fails() {
  if (inside_new || !(own_fails() || fails(Memory::c))) return false;
  errno = ENOMEM;
  return true;
}

void* counted(void* memory) {
  if (memory != nullptr) live.fetch_add(1, std::memory_order_relaxed);
  return memory;
}

void* allocate(std::size_t bytes, std::size_t alignment) {
  if (own_fails()) return nullptr;
  if (fails(opening.load() ? Memory::cpp_opening : Memory::cpp_working)) return nullptr;
  inside_new = true;
  void* const memory = alignment <= alignof(std::max_align_t)
                           ? __libc_malloc(bytes == 0 ? 1 : bytes)
                           : __libc_memalign(alignment, bytes);
  inside_new = false;
  return counted(memory);
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
std::int64_t live_allocations() { return live.load(); }

void fail_on_this_thread(std::uint64_t nth, bool for_good) {
  own_hit = false;
  own_for_good = for_good;
  own_left = nth;
}

bool end_failing_on_this_thread() {
  own_left = 0;
  return own_hit;
}

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
  using namespace ingot::faults;
  return c_fails() ? nullptr : counted(__libc_malloc(bytes));
}
void* calloc(std::size_t count, std::size_t bytes) noexcept {
  using namespace ingot::faults;
  return c_fails() ? nullptr : counted(__libc_calloc(count, bytes));
}
void* realloc(void* old, std::size_t bytes) noexcept {
  using namespace ingot::faults;
  if (old == nullptr) return malloc(bytes);
  if (bytes == 0) {
    free(old);
    return nullptr;
  }
  return c_fails() ? nullptr : __libc_realloc(old, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  using namespace ingot::faults;
  return c_fails() ? nullptr : counted(__libc_memalign(alignment, bytes));
}
void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  return aligned_alloc(alignment, bytes);
}
int posix_memalign(void** out, std::size_t alignment, std::size_t bytes) noexcept {
  void* const memory = aligned_alloc(alignment, bytes);
  if (memory == nullptr) return ENOMEM;
  *out = memory;
  return 0;
}
void free(void* memory) noexcept {
  if (memory != nullptr) ingot::faults::live.fetch_sub(1, std::memory_order_relaxed);
  __libc_free(memory);
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
