#pragma once

// (d) Messages between partitions arrive once, in order and as they were sent; the outbox shrinks
// only after the receiver has them durably. And (e) for them: no message sets out before the fact
// that queued it is durable, no confirmation before what it confirms.

#include <map>
#include <utility>
#include <vector>

#include "partition/requests/request.h"
#include "tests/sim/checker.h"

namespace ingot::sim {

class ChannelChecker final : public Checker {
 public:
  explicit ChannelChecker(Findings& findings) : findings_(findings) {}

  void before(const DurableFact& fact) override;
  void after(const DurableFact& fact, const Effects& effects) override;
  void left(PartitionId destination, const partition::Request& request);

 private:
  struct Channel {
    std::vector<std::uint64_t> sent;  // hashes of the messages durably queued, by position
    std::uint64_t received = 0;       // durably
  };
  [[nodiscard]] Channel& channel(PartitionId from, PartitionId to) { return channels_[{from, to}]; }
  void received(const DurableFact& at, const PeerMessageReceived& fact);

  Findings& findings_;
  std::map<std::pair<PartitionId, PartitionId>, Channel> channels_;
};

}  // namespace ingot::sim
