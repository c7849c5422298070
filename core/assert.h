#pragma once

// INGOT_ASSERT stays in release builds: a broken invariant ends the process before it can reach the
// disk. It is for defects of Ingot only; what a disk or a peer said is answered with a Status.
// Further arguments are printed with the condition: INGOT_ASSERT(a < b, a, b).

#include <cstdint>
#include <initializer_list>

namespace ingot {

[[noreturn]] void assertion_failed(const char* file, int line, const char* condition,
                                   const char* names, std::initializer_list<std::int64_t> values);

template <typename... Values>
[[noreturn]] void assertion_failed_with(const char* file, int line, const char* condition,
                                        const char* names, Values... values) {
  assertion_failed(file, line, condition, names, {static_cast<std::int64_t>(values)...});
}

}  // namespace ingot

#define INGOT_ASSERT(condition, ...)                                           \
  do {                                                                         \
    if (!(condition)) [[unlikely]] {                                           \
      ::ingot::assertion_failed_with(__FILE__, __LINE__, #condition,           \
                                     #__VA_ARGS__ __VA_OPT__(, ) __VA_ARGS__); \
    }                                                                          \
  } while (false)
