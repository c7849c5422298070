#pragma once

// Corruption: damages a copy of a partition's log as disks do, and has it recovered. Bits flip,
// sectors are zeros, writes have gone elsewhere or never happened, blocks are those of another
// place or time.
//
// What may be damaged is what the log can know to be durable: everything but the last write.
// Recovery must refuse by name, or give what the undamaged log gives.

#include <memory>
#include <string>

#include "core/random.h"
#include "tests/sim/media.h"
#include "tests/support/sim_hub.h"

namespace ingot::sim {

class CorruptionTrial {
 public:
  // Takes the copy: after the crash, before the recovery. Damages it.
  CorruptionTrial(SimHub& hub, const Media& media, PartitionId partition, Random& random);

  // After the undamaged log has been recovered.
  void run(SimHub& hub, const Media& media, Random& random, Findings& findings);
  // Whether something was there to be damaged.
  [[nodiscard]] bool worthwhile() const { return !what_.empty(); }
  // What run() came to.
  [[nodiscard]] bool refused() const { return refused_; }

 private:
  void damage(const Media& media, Random& random);
  [[nodiscard]] std::string path_of(const WholeWrite& write) const;

  const PartitionId partition_;
  Position durable_;  // before the crash
  std::unique_ptr<SimDisk> copy_;
  std::string what_;
  bool refused_ = false;
};

}  // namespace ingot::sim
