#pragma once

// The end of a forked child: at once, without what its parent has to clean up.

#include <unistd.h>

// Of a build that measures coverage: it counts at exit() only.
extern "C" int __llvm_profile_write_file() __attribute__((weak));

namespace ingot::testing {

[[noreturn]] inline void end_child(int code) {
  if (__llvm_profile_write_file != nullptr) __llvm_profile_write_file();
  ::_exit(code);
}

}  // namespace ingot::testing
