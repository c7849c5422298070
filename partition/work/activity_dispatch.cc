#include "partition/work/activity_dispatch.h"

#include "core/history_codec.h"
#include "partition/work/foreign_work.h"
#include "partition/work/step_failure.h"

namespace ingot::partition {
namespace {

FailureDetails too_large(std::size_t bytes, std::uint64_t limit) {
  FailureDetails failure;
  failure.type = "PayloadTooLarge";
  failure.message = "the activity's result has " + std::to_string(bytes) + " bytes; the limit is " +
                    std::to_string(limit);
  failure.non_retriable = true;
  return failure;
}

}  // namespace

void encode_outcome(const ActivityOutcome& outcome, std::int32_t task_id, Timestamp at,
                    std::uint64_t payload_bytes_max, std::string& out) {
  HistoryEventView event;
  event.timestamp = at;
  event.scheduled_id = task_id;
  std::string failure;
  if (outcome.ok && outcome.result.size() <= payload_bytes_max) {
    event.kind = HistoryEventKind::task_completed;
    event.data = outcome.result;
    event.has_data = true;
  } else {
    event.kind = HistoryEventKind::task_failed;
    encode_failure(
        outcome.ok ? too_large(outcome.result.size(), payload_bytes_max) : outcome.failure,
        failure);
    event.failure = failure;
  }
  encode_event(event, out);
}

bool has_room_for(const Instance* instance, std::uint32_t generation, std::string_view event,
                  Timestamp at, std::string& failed) {
  if (instance == nullptr || instance->generation != generation) return true;
  if (instance->has_room_for(event.size())) return true;
  Reader reader(event);
  ActivityOutcome refused;
  refused.failure = history_too_large(instance->event_bytes() + event.size());
  encode_outcome(refused, decode_trusted_event(reader).scheduled_id, at, 0, failed);
  return false;
}

void ActivityDispatch::enqueue_pending(const Instance& instance) {
  for_each_pending_task(instance, [&](std::int32_t id, std::uint64_t offset) {
    enqueue({instance.sequence, instance.generation, id, offset});
  });
}

void ActivityDispatch::enqueue_detached() {
  for (const auto& [key, task] : state_.detached.all()) {
    enqueue({key.sequence, key.generation, key.task_id, 0});
  }
}

void ActivityDispatch::start_next() {
  const ActivityScheduled scheduled = queue_.front();
  queue_.pop_front();
  const TaskKey key{scheduled.sequence, scheduled.generation, scheduled.task_id};
  const std::optional<ScheduledActivity> found =
      find_activity(state_, key, scheduled.history_offset);
  if (!found) return;  // answered in the meantime
  const std::string_view name = found->event.name;
  const Activity* activity = environment_.registry.find_activity(name);
  if (activity == nullptr) {
    if (environment_.options.foreign_work) {
      foreign_.offer_activity(key, found->event, scheduled.history_offset);
      return;
    }
    ActivityOutcome unknown;
    unknown.failure.type = "ActivityNotRegistered";
    unknown.failure.message = "no activity '" + std::string(name) + "' is registered";
    unknown.failure.non_retriable = true;
    event_.clear();
    encode_outcome(unknown, scheduled.task_id, recorder_.now(),
                   environment_.options.payload_bytes_max, event_);
    record(scheduled.sequence, scheduled.generation, event_);
    return;
  }
  if (activity->options.run_inline) {
    run_inline(*activity, scheduled, *found);
    return;
  }
  jobs_.push_back({state_.partition, scheduled.sequence, scheduled.generation, scheduled.task_id,
                   activity, std::string(name), std::string(found->instance_id),
                   std::string(found->event.data)});
}

void ActivityDispatch::run_inline(const Activity& activity, const ActivityScheduled& scheduled,
                                  const ScheduledActivity& found) {
  const ActivityContext context{found.event.name, found.instance_id, scheduled.task_id,
                                found.event.data};
  const ActivityOutcome outcome = run_activity(activity, context);
  event_.clear();
  encode_outcome(outcome, scheduled.task_id, recorder_.now(),
                 environment_.options.payload_bytes_max, event_);
  record(scheduled.sequence, scheduled.generation, event_);
}

void ActivityDispatch::submit() {
  if (!jobs_.empty()) environment_.activities.submit(jobs_);
}

void ActivityDispatch::take(const ActivityResults& results) {
  for (const ActivityResult& result : results.results) {
    record(result.sequence, result.generation, result.event);
  }
}

void ActivityDispatch::record(SequenceNumber sequence, std::uint32_t generation,
                              std::string_view event) {
  // An instance with pending tasks is never evicted: one that is not here has ended.
  const Instance* instance = state_.instances.find(sequence);
  if (instance == nullptr || instance->generation != generation) {
    Reader reader(event);
    const TaskKey key{sequence, generation, decode_trusted_event(reader).scheduled_id};
    if (state_.detached.find(key) == nullptr) return;  // it had a result before
  }
  std::string failed;
  const bool fits = has_room_for(instance, generation, event, recorder_.now(), failed);
  recorder_.record(ActivityCompleted{sequence, generation, fits ? event : failed});
}

}  // namespace ingot::partition
