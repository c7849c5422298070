#pragma once

// HubWatch: who looks on while a simulated hub runs. Sees what reaches the media and what leaves a
// partition, and has no part in it. The token of a write is its partition.

#include "partition/recovery/recover.h"
#include "partition/requests/request.h"
#include "partition/shard/environment.h"
#include "tests/support/sim_disk.h"

namespace ingot::sim {

class HubWatch : public WriteWatch {
 public:
  // What recovery made of a partition's checkpoint and log, before anything else happens to it.
  virtual void on_recovered(PartitionId partition, const partition::Recovered& recovered) = 0;
  // PeerMessages or a PeerConfirmation sets out for `destination`.
  virtual void on_message(PartitionId destination, const partition::Request& request) = 0;
  // An activity of the hub's own begins.
  virtual void on_activity(const partition::ActivityJob& job) = 0;
};

}  // namespace ingot::sim
