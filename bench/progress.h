#pragma once

// A progress bar on standard error; silent unless that is a terminal.

#include <cstdint>
#include <string>

namespace ingot::bench {

class Progress {
 public:
  explicit Progress(std::string label);
  ~Progress();  // removes the bar
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Draws the bar at `share` (0 to 1) with `note` behind it.
  void draw(double share, const std::string& note);

 private:
  const std::string label_;
  const bool visible_;
  bool drawn_ = false;
};

// "123,456/s" and the like need no more than this: 1234567 as 1,234,567.
[[nodiscard]] std::string with_commas(std::uint64_t value);

}  // namespace ingot::bench
