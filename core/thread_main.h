#pragma once

// What every thread of Ingot's does first: it gets its name, and it has an end when there is no
// memory (core/out_of_memory.h).

#include <pthread.h>

#include <utility>

#include "core/out_of_memory.h"

namespace ingot {

// Runs `task`, which is all that the calling thread does. `name`, of at most 15 characters, is what
// debuggers and profilers show of it.
template <typename Task>
void thread_main(const char* name, Task&& task) {
  pthread_setname_np(pthread_self(), name);
  or_end(name, std::forward<Task>(task));
}

}  // namespace ingot
