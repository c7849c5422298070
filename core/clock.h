#pragma once

// The seam of time. The real clock is named in the composition root only; state machines get
// their time with each fact.

#include <ingot/time.h>

namespace ingot {

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall time, UTC. May jump. Any thread.
  [[nodiscard]] virtual Timestamp now() const = 0;
  // Time since an arbitrary start, never going back. Any thread.
  [[nodiscard]] virtual Duration monotonic() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override;
  [[nodiscard]] Duration monotonic() const override;
};

}  // namespace ingot
