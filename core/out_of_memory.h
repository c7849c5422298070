#pragma once

// What Ingot does when the system gives it no memory, or no thread.
//
// Where a whole task can be given up (opening a hub, a checkpoint, a read of the store), it fails
// with a Status. A client's call is refused as `overloaded` on the caller's thread. Everywhere
// else, and where there is no memory for a Status either, the process ends at once and says so: a
// state machine that was left in the middle of a fact can't go on, and everything acknowledged is
// durable, so that ending here is no worse than the crash that recovery is made for.

#include <ingot/status.h>

#include <new>
#include <string_view>
#include <system_error>
#include <utility>

namespace ingot {

// Prints "ingot: out of memory: <where>" and aborts. Allocates nothing.
[[noreturn]] void end_out_of_memory(const char* where) noexcept;

// "<what>: <why>"; ends the process when there is no memory for it.
[[nodiscard]] Status resource_failure(std::string_view what, std::string_view why) noexcept;

// What `task` returns (a Status, or something made of one); io_error when there was no memory or
// thread for it. `task` must leave nothing half done when it throws.
template <typename Task>
auto with_memory(std::string_view what, Task&& task) -> decltype(task()) {
  try {
    return std::forward<Task>(task)();
  } catch (const std::bad_alloc&) {
    return resource_failure(what, "out of memory");
  } catch (const std::system_error& error) {
    return resource_failure(what, error.what());  // of a thread that can't be started
  }
}

// `overloaded`; ends the process when there is no memory for it.
[[nodiscard]] Status no_memory_for_call() noexcept;

// What `task`, a client's call, returns (a Status, or something made of one); overloaded when there
// was no memory for it.
template <typename Task>
auto or_overloaded(Task&& task) -> decltype(task()) {
  try {
    return std::forward<Task>(task)();
  } catch (const std::bad_alloc&) {
    return no_memory_for_call();
  }
}

// Runs `task`, which can't be left half done.
template <typename Task>
void or_end(const char* where, Task&& task) {
  try {
    std::forward<Task>(task)();
  } catch (const std::bad_alloc&) {
    end_out_of_memory(where);
  }
}

}  // namespace ingot
