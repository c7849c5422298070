#pragma once

// Intake: turns clients' requests into facts and answers.
//
// A request names an instance by id. One that only the store may know waits until it has been
// loaded, and comes in again (see Residency). Answers about state pass the effect gate, so that
// no one sees what a crash could take back.

#include <memory>
#include <string>

#include "core/random.h"
#include "partition/memory/residency.h"
#include "partition/requests/waiters.h"
#include "partition/shard/effect_gate.h"
#include "partition/shard/environment.h"
#include "partition/shard/recorder.h"

namespace ingot::partition {

class Intake {
 public:
  Intake(const Environment& environment, PartitionState& state, Recorder& recorder,
         EffectGate& gate, Residency& residency, Waiters& waiters, std::uint64_t seed)
      : environment_(environment),
        state_(state),
        recorder_(recorder),
        gate_(gate),
        residency_(residency),
        waiters_(waiters),
        random_(seed) {}

  // Each returns true when the request has been dealt with, false when it has to wait for a load;
  // then the caller gives its entry to the residency.
  bool take(StartRequest& request);
  bool take(DeliverRequest& request);
  bool take(ObserveRequest& request);
  bool take(CancelWaitRequest& request);
  bool take(HistoryRequest& request);

 private:
  const Environment& environment_;
  PartitionState& state_;
  Recorder& recorder_;
  EffectGate& gate_;
  Residency& residency_;
  Waiters& waiters_;
  Random random_;
  std::string event_;
};

}  // namespace ingot::partition
