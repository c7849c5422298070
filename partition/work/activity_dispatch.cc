#include "partition/work/activity_dispatch.h"

#include "core/history_codec.h"
#include "partition/work/foreign_work.h"

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

HistoryEventView scheduled_event(const Instance& instance, std::uint64_t history_offset) {
  Reader reader(std::string_view(instance.history).substr(history_offset));
  const HistoryEventView event = decode_trusted_event(reader);
  INGOT_ASSERT(reader.ok() && event.kind == HistoryEventKind::task_scheduled,
               instance.sequence.value, history_offset);
  return event;
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

void ActivityDispatch::enqueue_pending(const Instance& instance) {
  if (instance.tasks.empty()) return;
  Reader reader(instance.history);
  while (reader.more()) {
    const std::size_t offset = instance.history.size() - reader.remaining();
    const HistoryEventView event = decode_trusted_event(reader);
    if (event.kind == HistoryEventKind::task_scheduled && instance.tasks.contains(event.event_id)) {
      enqueue({instance.sequence, instance.generation, event.event_id, offset});
    }
  }
}

void ActivityDispatch::start_next() {
  const ActivityScheduled scheduled = queue_.front();
  queue_.pop_front();
  Instance* instance = state_.instances.find(scheduled.sequence);
  if (instance == nullptr || instance->generation != scheduled.generation ||
      !instance->tasks.contains(scheduled.task_id)) {
    return;  // ended or answered in the meantime
  }
  const HistoryEventView event = scheduled_event(*instance, scheduled.history_offset);
  const Activity* activity = environment_.registry.find_activity(event.name);
  if (activity == nullptr) {
    if (environment_.options.foreign_work) {
      foreign_.offer_activity(*instance, scheduled.task_id, scheduled.history_offset, event);
      return;
    }
    ActivityOutcome unknown;
    unknown.failure.type = "ActivityNotRegistered";
    unknown.failure.message = "no activity '" + std::string(event.name) + "' is registered";
    unknown.failure.non_retriable = true;
    event_.clear();
    encode_outcome(unknown, scheduled.task_id, recorder_.now(),
                   environment_.options.payload_bytes_max, event_);
    record(scheduled.sequence, scheduled.generation, event_);
    return;
  }
  if (activity->options.run_inline) {
    run_inline(*activity, scheduled, *instance, event.name, event.data);
    return;
  }
  jobs_.push_back({state_.partition, scheduled.sequence, scheduled.generation, scheduled.task_id,
                   activity, std::string(event.name), instance->id, std::string(event.data)});
}

void ActivityDispatch::run_inline(const Activity& activity, const ActivityScheduled& scheduled,
                                  const Instance& instance, std::string_view name,
                                  std::string_view input) {
  const ActivityContext context{name, instance.id, scheduled.task_id, input};
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
  // An instance with pending tasks is never evicted, so one that is not here has ended.
  const Instance* instance = state_.instances.find(sequence);
  if (instance == nullptr || instance->generation != generation) return;
  recorder_.record(ActivityCompleted{sequence, generation, event});
}

}  // namespace ingot::partition
