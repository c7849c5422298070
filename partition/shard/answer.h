#pragma once

// Answers that tell of the state: held at the gate until what they tell is durable.

#include <ingot/status.h>

#include <utility>

#include "partition/shard/effect_gate.h"
#include "partition/shard/recorder.h"

namespace ingot::partition {

// Calls `done(answer)` when everything up to `position` is durable, or `done(status)` with what
// stopped that. `answer` may be a value, a Result or a Status, whatever `done` takes.
template <typename Done, typename Answer>
void answer_when_durable(EffectGate& gate, Position position, Done done, Answer answer) {
  gate.hold(position,
            [done = std::move(done), answer = std::move(answer)](const Status& status) mutable {
              if (status.ok()) {
                done(std::move(answer));
              } else {
                done(status);
              }
            });
}

// Records the fact, then gives `answer` when it is durable; or what kept it from being recorded.
template <typename Done, typename Answer>
void record_and_answer(Recorder& recorder, EffectGate& gate, const FactBody& fact, Done& done,
                       Answer answer) {
  if (recorder.record(fact)) {
    answer_when_durable(gate, recorder.position(), std::move(done), std::move(answer));
  } else {
    done(recorder.failure());
  }
}

}  // namespace ingot::partition
