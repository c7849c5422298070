#include "partition/work/scheduled_activity.h"

#include "core/assert.h"

namespace ingot::partition {
namespace {

// The instance in the execution that scheduled the activity; null when that has ended.
const Instance* find_owner(const PartitionState& state, const TaskKey& key) {
  const Instance* instance = state.instances.find(key.sequence);
  return instance != nullptr && instance->generation == key.generation ? instance : nullptr;
}

// The event that begins `events`.
HistoryEventView read_scheduled(std::string_view events, std::int32_t task_id) {
  Reader reader(events);
  const HistoryEventView event = decode_trusted_event(reader);
  INGOT_ASSERT(
      reader.ok() && event.kind == HistoryEventKind::task_scheduled && event.event_id == task_id,
      task_id);
  return event;
}

// The last one of this id: a foreign runtime may have used it before.
std::optional<std::uint64_t> find_scheduled(std::string_view history, std::int32_t task_id) {
  std::optional<std::uint64_t> found;
  Reader reader(history);
  while (reader.more()) {
    const std::uint64_t offset = history.size() - reader.remaining();
    const HistoryEventView event = decode_trusted_event(reader);
    if (event.kind == HistoryEventKind::task_scheduled && event.event_id == task_id) found = offset;
  }
  return found;
}

}  // namespace

bool is_pending(const PartitionState& state, const TaskKey& key) {
  const Instance* owner = find_owner(state, key);
  return owner != nullptr ? owner->tasks.contains(key.task_id)
                          : state.detached.find(key) != nullptr;
}

std::optional<ScheduledActivity> find_activity(const PartitionState& state, const TaskKey& key,
                                               std::optional<std::uint64_t> history_offset) {
  if (const Instance* owner = find_owner(state, key)) {
    if (!owner->tasks.contains(key.task_id)) return std::nullopt;
    const std::string_view history = owner->history;
    if (!history_offset) history_offset = find_scheduled(history, key.task_id);
    if (!history_offset) return std::nullopt;  // a row that says so is damaged
    return ScheduledActivity{owner->id, owner->execution_id,
                             read_scheduled(history.substr(*history_offset), key.task_id)};
  }
  const DetachedTask* task = state.detached.find(key);
  if (task == nullptr) return std::nullopt;
  return ScheduledActivity{task->instance_id, task->execution_id,
                           read_scheduled(task->scheduled, key.task_id)};
}

}  // namespace ingot::partition
