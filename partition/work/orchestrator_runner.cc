#include "partition/work/orchestrator_runner.h"

#include "core/history_codec.h"
#include "partition/state/row.h"
#include "partition/work/action_check.h"
#include "partition/work/step_failure.h"

namespace ingot::partition {
namespace {

// Actions of these kinds need no look at their fields.
bool is_plain(HistoryEventKind kind) {
  return kind == HistoryEventKind::task_scheduled || kind == HistoryEventKind::timer_created ||
         kind == HistoryEventKind::execution_completed;
}

bool is_plain(std::string_view actions) {
  Reader reader(actions);
  while (reader.more()) {
    const std::string_view body = reader.bytes();  // begins with the kind
    if (body.empty() || !is_plain(static_cast<HistoryEventKind>(body.front()))) return false;
  }
  return true;
}

// Whether the last action is ContinueAsNew: nothing follows an end.
bool continues_as_new(std::string_view actions) {
  std::string_view last;
  Reader reader(actions);
  while (reader.more()) last = reader.bytes();
  return !last.empty() &&
         static_cast<HistoryEventKind>(last.front()) == HistoryEventKind::continue_as_new;
}

}  // namespace

bool OrchestratorRunner::step(Instance& instance, Session& session) {
  if (!session.execution || session.generation != instance.generation) {
    const OrchestratorFn* orchestrator =
        environment_.registry.find_orchestrator(orchestrator_name(instance));
    if (orchestrator == nullptr) return refuse_child(instance);
    session.execution.emplace(*orchestrator);
    session.generation = instance.generation;
    if (!instance.history.empty()) session.execution->replay(instance.history);
  }
  new_events_.clear();
  HistoryEventView started;
  started.kind = HistoryEventKind::orchestrator_started;
  started.timestamp = recorder_.now();
  encode_event(started, new_events_);
  new_events_.append(instance.inbox);

  actions_.clear();
  const Duration limit = environment_.options.orchestrator_step_timeout;
  const Duration begun = limit == Duration(0) ? limit : environment_.clock.monotonic();
  StepResult result = session.execution->step(new_events_, actions_);
  bool refused = refuse_impossible(instance, result);
  if (limit != Duration(0) && environment_.clock.monotonic() - begun > limit) {
    fail_instead(instance.next_action_id, step_timed_out(limit));
    refused = true;
  }
  if (refused) {
    result = {};
    result.finished = true;
  }
  if (!environment_.options.extended_sessions) session.execution.reset();
  if (!result.finished) sessions_.stepped(session, recorder_.now());

  StepCompleted body;
  body.sequence = instance.sequence;
  body.generation = instance.generation;
  body.consumed = instance.inbox_count;
  body.has_custom_status = result.custom_status.has_value();
  if (result.custom_status) body.custom_status = *result.custom_status;
  body.actions = actions_;
  if (result.finished && continues_as_new(actions_)) {
    body.next_execution_id = {random_.next(), random_.next() | 1};
    body.carry_over = result.carry_over;
  }
  recorder_.record(body);
  return true;
}

// A child that nobody here can run fails, so that its parent gets an answer. Others wait until
// their orchestrator is registered, or offered to a foreign worker.
bool OrchestratorRunner::refuse_child(const Instance& instance) {
  if (environment_.options.foreign_work || !instance.has_parent ||
      instance.status != RuntimeStatus::pending) {
    return false;
  }
  record_failed_step(
      recorder_, instance, instance.inbox_count,
      {"OrchestratorNotRegistered",
       "no orchestrator '" + std::string(orchestrator_name(instance)) + "' is registered",
       true,
       {}});
  return true;
}

// An action that can't be taken fails the orchestration in its place: never its partition.
bool OrchestratorRunner::refuse_impossible(const Instance& instance, const StepResult& result) {
  const std::int32_t first_action_id = instance.next_action_id;
  const std::uint64_t limit = environment_.options.payload_bytes_max;
  const std::uint64_t step_bytes = actions_.size() + result.carry_over.size();
  if (const auto too_large =
          step_too_large(instance, step_bytes, [this] { return continues_as_new(actions_); })) {
    fail_instead(first_action_id, *too_large);
    return true;
  }
  if (result.custom_status && result.custom_status->size() > limit) {
    fail_instead(first_action_id,
                 {"PayloadTooLarge",
                  "the custom status has " + std::to_string(result.custom_status->size()) +
                      " bytes; the limit is " + std::to_string(limit),
                  true,
                  {}});
    return true;
  }
  if (actions_.size() <= limit && is_plain(actions_)) return false;
  Reader reader(actions_);
  while (reader.more()) {
    const HistoryEventView action = decode_trusted_event(reader);
    const Status valid = check_action(action, limit);
    if (valid.ok()) continue;
    fail_instead(first_action_id, {action.data.size() > limit ? "PayloadTooLarge" : "InvalidAction",
                                   describe_action(action) + ": " + std::string(valid.message()),
                                   true,
                                   {}});
    return true;
  }
  return false;
}

void OrchestratorRunner::fail_instead(std::int32_t action_id, const FailureDetails& details) {
  actions_ = encode_failed_completion(details, action_id, recorder_.now());
}

}  // namespace ingot::partition
