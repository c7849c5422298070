#pragma once

// Checker: looks at one property of the facts of all partitions as they become durable, in the
// order of each partition's log. What it needs beside that it is told by its own functions.

#include "core/effect.h"
#include "core/fact.h"
#include "partition/state/partition_state.h"
#include "tests/sim/findings.h"

namespace ingot::sim {

// A fact that is on the media. `state` is what the facts before it make (in before()), or those up
// to it (in after()): a replay from position 0, in which nothing was ever forgotten.
struct DurableFact {
  PartitionId partition;
  Position position;
  const Fact& fact;
  const partition::PartitionState& state;
};

class Checker {
 public:
  virtual ~Checker() = default;
  virtual void before(const DurableFact& /*fact*/) {}
  virtual void after(const DurableFact& /*fact*/, const Effects& /*effects*/) {}
};

// The id of a live instance, for a message.
[[nodiscard]] inline std::string id_of(const partition::PartitionState& state,
                                       SequenceNumber sequence) {
  const partition::Instance* instance = state.instances.find(sequence);
  return instance == nullptr ? std::string() : instance->id;
}

}  // namespace ingot::sim
