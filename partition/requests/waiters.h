#pragma once

// Waiters: those who wait for an instance to start or to end. They are kept in its session and
// survive its eviction; their answers pass the effect gate.

#include <string_view>

#include "partition/shard/answer.h"
#include "partition/shard/effect_gate.h"
#include "partition/shard/recorder.h"
#include "partition/state/row.h"
#include "partition/work/session.h"

namespace ingot::partition {

class Waiters {
 public:
  Waiters(PartitionState& state, Recorder& recorder, EffectGate& gate, Sessions& sessions)
      : state_(state), recorder_(recorder), gate_(gate), sessions_(sessions) {}

  void add(SequenceNumber sequence, Waiter waiter);
  void cancel(SequenceNumber sequence, std::uint64_t wait_id);
  // Effects.
  void started(SequenceNumber sequence);
  void finished(Session& session, std::string_view record);
  // The partition has stopped.
  void refuse_all(const Status& why);

 private:
  const PartitionState& state_;
  Recorder& recorder_;
  EffectGate& gate_;
  Sessions& sessions_;
};

}  // namespace ingot::partition
