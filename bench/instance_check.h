#pragma once

// What an instance of the workloads' orchestrators must be, told by itself alone: by its input and
// by its history. So any run, and `check`, can judge what another run has left.

#include <ingot/client.h>
#include <ingot/history_event.h>
#include <ingot/instance.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ingot::bench {

// Empty when the ended instance has the output that its input asks for, or when nothing is known of
// its orchestrator; else what is wrong.
[[nodiscard]] std::string verify_by_input(const InstanceState& state);

// Empty when the history is whole: it begins with one start, each result belongs to an action that
// stands before it and has no other, and nothing follows the end that an ended instance has. Else
// what is wrong.
[[nodiscard]] std::string verify_history(const InstanceState& state,
                                         const std::vector<HistoryEvent>& history);

// Adds up what all orchestrations of a hub have done to its entities, and compares. Each did it
// exactly once, whatever has crashed in between.
class EntitySums {
 public:
  void add(const InstanceState& state);
  // One line for each entity that has not what it must have. Only true of a hub in which nothing
  // runs. A failure when the hub can't be asked.
  [[nodiscard]] Result<std::vector<std::string>> compare(Client& client);
  [[nodiscard]] std::uint64_t entities() const { return entities_; }

 private:
  std::map<std::string, std::uint64_t> counters_;  // added by "count", by key
  std::uint64_t entities_ = 0;                     // compared
};

}  // namespace ingot::bench
