#include "core/clock.h"

namespace ingot {

Timestamp SystemClock::now() const {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

Duration SystemClock::monotonic() const {
  return std::chrono::floor<std::chrono::microseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace ingot
