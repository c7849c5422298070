#pragma once

// (a) Each acknowledged operation is there after any crash; none happens twice.
//
// The operations are known by their request ids. One that was acknowledged must be in a durable
// fact, and in what every later recovery finds; no request id is in two facts.

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "partition/recovery/recover.h"
#include "tests/sim/checker.h"

namespace ingot::sim {

class LedgerChecker final : public Checker {
 public:
  LedgerChecker(std::uint32_t partitions, Findings& findings)
      : findings_(findings), durable_(partitions), acknowledged_(partitions) {}

  void before(const DurableFact& fact) override;
  // A client was told that its operation was carried out.
  void acknowledged(PartitionId partition, std::uint64_t request_id, const std::string& instance);
  void recovered(PartitionId partition, const partition::PartitionState& state);

  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  Findings& findings_;
  std::vector<std::unordered_set<std::uint64_t>> durable_;
  std::vector<std::vector<std::uint64_t>> acknowledged_;
  std::uint64_t count_ = 0;
};

}  // namespace ingot::sim
