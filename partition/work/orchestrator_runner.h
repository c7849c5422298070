#pragma once

// OrchestratorRunner: runs the steps of the in-process orchestrators, inline on the shard.
//
// A step takes the whole inbox, resumes the coroutine and records the outcome as one fact. The
// coroutine is kept between steps and rebuilt from the history when it is not there.

#include <string>

#include "partition/shard/environment.h"
#include "partition/shard/recorder.h"
#include "partition/state/instance.h"
#include "partition/work/session.h"

namespace ingot::partition {

class OrchestratorRunner {
 public:
  OrchestratorRunner(const Environment& environment, Recorder& recorder, Sessions& sessions)
      : environment_(environment), recorder_(recorder), sessions_(sessions) {}

  // Runs one step; false when no such orchestrator is registered. Neither `instance` nor `session`
  // may be used afterwards: the step may have ended them.
  bool step(Instance& instance, Session& session);

 private:
  void refuse_impossible(std::int32_t first_action_id);

  const Environment& environment_;
  Recorder& recorder_;
  Sessions& sessions_;
  std::string new_events_;
  std::string actions_;
};

}  // namespace ingot::partition
