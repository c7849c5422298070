#pragma once

// (e) Nothing leaves before its cause is durable: what clients are shown, what workers are given.
// (Acknowledgements are check_ledger's, messages check_channels'.)

#include <ingot/instance.h>
#include <ingot/work_items.h>

#include <vector>

#include "partition/shard/environment.h"
#include "tests/sim/checker.h"

namespace ingot::sim {

class DurabilityChecker final : public Checker {
 public:
  DurabilityChecker(std::uint32_t partitions, Findings& findings)
      : findings_(findings), latest_(partitions) {}

  void before(const DurableFact& fact) override;
  // A client was shown a state; `durable` is what the media have.
  void shown(const InstanceState& shown, const partition::PartitionState& durable);
  // A client was shown a history.
  void shown(const std::string& id, const std::vector<HistoryEvent>& history,
             const partition::PartitionState& durable);
  // A worker was given an activity, or the hub's own begins although steps are persisted first.
  void activity_given(SequenceNumber sequence, std::int32_t task_id, const std::string& id,
                      const partition::PartitionState& durable);
  // A worker was given an orchestration.
  void step_given(const OrchestrationWorkItem& item, const partition::PartitionState& durable);

 private:
  Findings& findings_;
  std::vector<Timestamp> latest_;  // the greatest time of a durable fact
};

}  // namespace ingot::sim
