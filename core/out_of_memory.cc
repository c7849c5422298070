#include "core/out_of_memory.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <utility>

namespace ingot {

void end_out_of_memory(const char* where) noexcept {
  char line[128] = "ingot: out of memory: ";
  std::strncat(line, where, sizeof line - std::strlen(line) - 2);
  std::strcat(line, "\n");
  if (::write(STDERR_FILENO, line, std::strlen(line)) < 0) std::abort();
  std::abort();
}

Status no_memory_for_call() noexcept {
  try {
    return Status(StatusCode::overloaded, "no memory for the request; nothing was taken");
  } catch (const std::bad_alloc&) {
    end_out_of_memory("not even a status can be made");
  }
}

Status resource_failure(std::string_view what, std::string_view why) noexcept {
  try {
    std::string message(what);
    message += ": ";
    message += why;
    return Status(StatusCode::io_error, std::move(message));
  } catch (const std::bad_alloc&) {
    end_out_of_memory("not even a status can be made");
  }
}

}  // namespace ingot
