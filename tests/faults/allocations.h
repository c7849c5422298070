#pragma once

// Makes an allocation fail. The test program defines operator new and the C library's allocator
// itself; the real ones do the work. Allocations of C code (LMDB, zstd, liburing, the C library)
// return null, those of C++ throw std::bad_alloc.
//
// Counted are those of threads that the hub has started, and of the test's own thread only between
// begin_opening() and end_opening(): what the test itself allocates never fails.

#include <cstdint>
#include <string_view>

namespace ingot::faults {

enum class Memory : std::uint8_t {
  c,            // malloc and its kin, on any thread
  cpp_opening,  // operator new, on any thread while the hub is being opened
  cpp_working,  // operator new, later
  count_,
};

[[nodiscard]] std::string_view to_string(Memory memory);

// The calling thread is the test's own. Counts from zero.
void watch_memory();
// The nth of `memory`, or with `for_good` it and all later ones, fails.
void fail_memory(Memory memory, std::uint64_t nth, bool for_good);
void fail_no_memory();
[[nodiscard]] std::uint64_t memory_count(Memory memory);
[[nodiscard]] std::uint64_t memory_hits();
// What the whole process has allocated, of any kind and on any thread, and not given back.
[[nodiscard]] std::int64_t live_allocations();

// The test's own thread goes into the hub's code that opens it, and comes back.
void begin_opening();
void end_opening();

// The nth allocation of the calling thread from now on fails, of C or of C++, and with `for_good`
// all later ones.
void fail_on_this_thread(std::uint64_t nth, bool for_good = false);
// No more of them; true when one has failed.
bool end_failing_on_this_thread();

}  // namespace ingot::faults
