#include "tests/sim/findings.h"

#include <algorithm>

namespace ingot::sim {

std::vector<std::string> Findings::last_events(std::size_t count) const {
  std::vector<std::string> lines;
  if (!first_) return lines;
  for (auto event = events_.rbegin(); event != events_.rend() && lines.size() < count; ++event) {
    const bool names = !first_->instance.empty() &&
                       event->text.find("'" + first_->instance + "'") != std::string::npos;
    const bool there = first_->instance.empty() && event->partition == first_->partition;
    if (!names && !there && event->partition != kEveryone) continue;
    std::string line = "#" + std::to_string(event->number) + " ";
    if (event->partition != kEveryone) {
      line += "partition " + std::to_string(event->partition.value) + ": ";
    }
    lines.push_back(line + event->text);
  }
  std::reverse(lines.begin(), lines.end());
  return lines;
}

}  // namespace ingot::sim
