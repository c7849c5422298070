#pragma once

// OrchestratorRunner: runs the steps of the in-process orchestrators, inline on the shard.
//
// A step takes the whole inbox, resumes the coroutine and records the outcome as one fact. The
// coroutine is kept between steps and rebuilt from the history when it is not there.

#include <string>

#include "core/random.h"
#include "partition/shard/environment.h"
#include "partition/shard/recorder.h"
#include "partition/state/instance.h"
#include "partition/work/session.h"

namespace ingot::partition {

class OrchestratorRunner {
 public:
  // Execution ids are drawn from the stream of `seed`.
  OrchestratorRunner(const Environment& environment, Recorder& recorder, Sessions& sessions,
                     std::uint64_t seed)
      : environment_(environment), recorder_(recorder), sessions_(sessions), random_(seed) {}

  // Runs one step; false when no such orchestrator is registered. Neither `instance` nor `session`
  // may be used afterwards: the step may have ended them.
  bool step(Instance& instance, Session& session);

 private:
  bool refuse_child(const Instance& instance);
  // True when an action could not be taken, and the orchestration fails instead.
  bool refuse_impossible(const Instance& instance, const StepResult& result);
  void fail_instead(std::int32_t action_id, const FailureDetails& details);

  const Environment& environment_;
  Recorder& recorder_;
  Sessions& sessions_;
  Random random_;
  std::string new_events_;
  std::string actions_;
};

}  // namespace ingot::partition
