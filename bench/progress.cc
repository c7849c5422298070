#include "bench/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace ingot::bench {

namespace {
constexpr int kWidth = 30;
}

Progress::Progress(std::string label)
    : label_(std::move(label)), visible_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (drawn_) fmt::print(stderr, "\r\033[K");
}

void Progress::draw(double share, const std::string& note) {
  if (!visible_) return;
  const auto filled = static_cast<int>(std::clamp(share, 0.0, 1.0) * kWidth);
  fmt::print(stderr, "\r\033[K{} [{:=>{}}{:>{}}] {:3.0f} %  {}", label_, "", filled, "",
             kWidth - filled, std::clamp(share, 0.0, 1.0) * 100, note);
  std::fflush(stderr);
  drawn_ = true;
}

std::string with_commas(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (auto i = static_cast<std::ptrdiff_t>(digits.size()) - 3; i > 0; i -= 3) {
    digits.insert(static_cast<std::size_t>(i), ",");
  }
  return digits;
}

}  // namespace ingot::bench
