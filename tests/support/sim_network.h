#pragma once

// SimNetwork: the transport between the partitions of a simulated hub.
//
// Messages and confirmations travel in channels, one for each kind and pair of partitions. A
// channel keeps its order, loses nothing while the hub lives and may deliver again what it has
// delivered before; channels overtake each other. A crash loses what is under way. Everything that
// stays within a partition passes at once.

#include <deque>
#include <map>
#include <tuple>
#include <vector>

#include "core/random.h"
#include "partition/shard/environment.h"
#include "tests/support/sim_watch.h"

namespace ingot::sim {

struct SimNetworkPlan {
  bool delays = false;         // else everything arrives at once
  std::uint64_t slowness = 2;  // a channel with something under way moves once in so many rounds
  std::uint64_t repeats = 0;   // one in so many is delivered again; 0: none
};

class SimNetwork final : public partition::PartitionPost {
 public:
  // All of it outlives the network; `watch` may be null.
  SimNetwork(partition::PartitionPost& post, Random& random, const SimNetworkPlan& plan,
             HubWatch* watch)
      : post_(post), random_(random), plan_(plan), watch_(watch) {}

  void push(PartitionId destination, partition::Request&& request) override;

  // Delivers some of what is under way, or `all`. False when there was nothing.
  bool run(bool all);

 private:
  using Route = std::tuple<bool, PartitionId, PartitionId>;  // confirmations, from, to
  void travel(const Route& route, partition::Request&& request);

  partition::PartitionPost& post_;
  Random& random_;
  const SimNetworkPlan& plan_;
  HubWatch* const watch_;
  std::map<Route, std::deque<partition::Request>> channels_;
};

}  // namespace ingot::sim
