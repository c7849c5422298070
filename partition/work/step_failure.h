#pragma once

// The step that ends an orchestration as failed, in place of what its orchestrator did.

#include <optional>
#include <string>

#include "core/history_codec.h"
#include "partition/shard/recorder.h"
#include "partition/state/instance.h"

namespace ingot::partition {

// The one action of that step, encoded; `action_id` is the next free one.
inline std::string encode_failed_completion(const FailureDetails& details, std::int32_t action_id,
                                            Timestamp at) {
  std::string failure;
  encode_failure(details, failure);
  HistoryEventView completed;
  completed.kind = HistoryEventKind::execution_completed;
  completed.event_id = action_id;
  completed.timestamp = at;
  completed.status = RuntimeStatus::failed;
  completed.failure = failure;
  std::string action;
  encode_event(completed, action);
  return action;
}

// Records that step, over the first `consumed` messages of the inbox. The instance is gone then.
inline void record_failed_step(Recorder& recorder, const Instance& instance, std::uint32_t consumed,
                               const FailureDetails& details) {
  const std::string action =
      encode_failed_completion(details, instance.next_action_id, recorder.now());
  StepCompleted body;
  body.sequence = instance.sequence;
  body.generation = instance.generation;
  body.consumed = consumed;
  body.actions = action;
  recorder.record(body);
}

// Why: it has come to more than kInstanceBytesMax.
inline FailureDetails history_too_large(std::uint64_t bytes) {
  FailureDetails details;
  details.type = "HistoryTooLarge";
  details.message = "history, messages and new actions have " + std::to_string(bytes) +
                    " bytes; the limit is " + std::to_string(kInstanceBytesMax);
  details.non_retriable = true;
  return details;
}

// Why a step of `step_bytes` can't be taken; nothing when it can. `continues()` says whether it
// ends the execution, and with it the history; it is asked only when the two are too much together.
template <typename Continues>
std::optional<FailureDetails> step_too_large(const Instance& instance, std::uint64_t step_bytes,
                                             Continues&& continues) {
  if (instance.has_room_for(step_bytes)) return std::nullopt;
  const std::uint64_t left = continues() ? 0 : instance.event_bytes();
  if (step_bytes + left <= kInstanceBytesMax) return std::nullopt;
  return history_too_large(step_bytes + left);
}

// Why: it took too long.
inline FailureDetails step_timed_out(Duration limit) {
  FailureDetails details;
  details.type = "OrchestratorStepTimeout";
  details.message =
      "a step of the orchestrator took longer than " + std::to_string(limit.count() / 1000) + " ms";
  return details;
}

inline FailureDetails activity_timed_out(Duration limit) {
  FailureDetails details;
  details.type = "ActivityTimeout";
  details.message = "the activity took longer than " + std::to_string(limit.count() / 1000) + " ms";
  return details;
}

}  // namespace ingot::partition
