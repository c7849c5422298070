#pragma once

// The end of a forked child: at once, without what its parent has to clean up.

#include <unistd.h>

// Of a build that measures coverage: it counts at exit() only.
extern "C" void __gcov_dump() __attribute__((weak));

namespace ingot::testing {

[[noreturn]] inline void end_child(int code) {
  if (__gcov_dump != nullptr) __gcov_dump();
  ::_exit(code);
}

}  // namespace ingot::testing
