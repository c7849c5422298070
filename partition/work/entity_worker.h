#pragma once

// EntityWorker: runs the operations of the in-process entities, inline on the shard: a batch of
// what lies in the inbox, recorded as one fact.

#include "partition/shard/environment.h"
#include "partition/shard/recorder.h"
#include "partition/state/instance.h"

namespace ingot::partition {

class EntityWorker {
 public:
  EntityWorker(const Environment& environment, Recorder& recorder)
      : environment_(environment), recorder_(recorder) {}

  // Runs one batch; false when no such entity is registered. `instance` has operations.
  bool step(const Instance& instance);

 private:
  const Environment& environment_;
  Recorder& recorder_;
};

}  // namespace ingot::partition
