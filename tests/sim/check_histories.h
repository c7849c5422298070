#pragma once

// (b) Histories only grow, without gaps; (c) each completion is applied once, to what asked for it.

#include <ingot/history_event.h>

#include <map>
#include <string>
#include <vector>

#include "tests/sim/checker.h"

namespace ingot::sim {

class HistoryChecker final : public Checker {
 public:
  explicit HistoryChecker(Findings& findings) : findings_(findings) {}

  // A client was shown the history.
  void seen(PartitionId partition, const std::string& id, std::vector<HistoryEvent> history);
  // At the end: every history that there is.
  void ended(const partition::PartitionState& state);
  // A rewinding makes a history shorter, once.
  void before(const DurableFact& fact) override;

 private:
  void check(PartitionId partition, const std::string& id, const std::vector<HistoryEvent>& history,
             bool has_ended);

  Findings& findings_;
  std::map<std::string, std::vector<HistoryEvent>> seen_;
  std::map<std::string, std::uint64_t> rewound_;  // rewindings that no one has seen yet
};

}  // namespace ingot::sim
