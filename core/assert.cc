#include "core/assert.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

namespace ingot {

void assertion_failed(const char* file, int line, const char* condition, const char* names,
                      std::initializer_list<std::int64_t> values) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s", file, line, condition);
  if (values.size() != 0) {
    std::fprintf(stderr, "; %s =", names);
    for (const std::int64_t value : values) std::fprintf(stderr, " %" PRId64, value);
  }
  std::fputc('\n', stderr);
  std::abort();
}

}  // namespace ingot
