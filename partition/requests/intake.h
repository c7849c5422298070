#pragma once

// Intake: turns clients' requests that name one instance into facts and answers.
//
// A request names an instance by id. One that only the store may know waits until it has been
// loaded, and comes in again (see Residency). Answers about state pass the effect gate, so that
// no one sees what a crash could take back. A request whose id the partition remembers has been
// carried out: it is answered, and nothing else happens.

#include <memory>
#include <string>

#include "core/history_codec.h"
#include "core/random.h"
#include "partition/memory/residency.h"
#include "partition/requests/waiters.h"
#include "partition/shard/answer.h"
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
  bool take(SignalRequest& request);
  bool take(RestartRequest& request);
  bool take(RewindRequest& request);
  bool take(PurgeRequest& request);
  bool take(ObserveRequest& request);
  bool take(CancelWaitRequest& request);
  bool take(HistoryRequest& request);
  bool take(EntityRequest& request);
  bool take(CleanEntityRequest& request);
  bool take(CountRequest& request);

 private:
  // Answers once all that was recorded so far is durable.
  template <typename Done, typename Answer>
  void answer(Done& done, Answer given) {
    answer_when_durable(gate_, recorder_.position(), std::move(done), std::move(given));
  }
  // Records a fact, then answers `given`; or what went wrong.
  template <typename Done, typename Answer>
  void record_and_answer(const FactBody& fact, Done& done, Answer given) {
    partition::record_and_answer(recorder_, gate_, fact, done, std::move(given));
  }
  [[nodiscard]] static Status no_such_instance(const std::string& id);
  // A start that was carried out before.
  void answer_repeated(StartRequest& request, const Found& found);
  // The start that `fact` says, in place of what `found` is.
  bool record_start(const HistoryEventView& started, std::uint64_t request_id, const Found& found);
  // `event` as bytes, valid until the next call.
  std::string_view encoded(const HistoryEventView& event);

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
