#pragma once

// Findings: what the checkers of a run found to be wrong, and the trace that tells how it came.
//
// The first violation counts: what follows it may be its consequence. The trace is off in the runs
// of many seeds; a violation is played again with it on, which shows the same, because a run is
// determined by its seed.

#include <ingot/ids.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace ingot::sim {

struct Violation {
  std::string property;  // the checker's name, with the letter in RELIABILITY's list
  std::string text;
  PartitionId partition;
  std::string instance;  // its id, or empty
};

class Findings {
 public:
  explicit Findings(bool tracing) : tracing_(tracing) {}

  void violated(std::string property, PartitionId partition, std::string instance,
                std::string text) {
    if (!first_) {
      first_ = Violation{std::move(property), std::move(text), partition, std::move(instance)};
    }
  }
  [[nodiscard]] const std::optional<Violation>& first() const { return first_; }

  [[nodiscard]] bool tracing() const { return tracing_; }
  // Something that happened to a partition, or to all (kEveryone). `tell` makes the text.
  static constexpr PartitionId kEveryone{UINT32_MAX};
  template <typename Tell>
  void trace(PartitionId partition, Tell&& tell) {
    if (!tracing_) return;
    events_.push_back({++count_, partition, tell()});
    if (events_.size() > kKept) events_.pop_front();
  }
  // The last `count` events that concern the violation's instance, or its partition.
  [[nodiscard]] std::vector<std::string> last_events(std::size_t count) const;

 private:
  static constexpr std::size_t kKept = 200'000;
  struct Event {
    std::uint64_t number = 0;
    PartitionId partition;
    std::string text;
  };

  const bool tracing_;
  std::optional<Violation> first_;
  std::deque<Event> events_;
  std::uint64_t count_ = 0;
};

}  // namespace ingot::sim
