#include "partition/state/detached_tasks.h"

#include "core/assert.h"
#include "core/codec.h"

namespace ingot::partition {

const DetachedTask* DetachedTasks::find(const TaskKey& key) const {
  const auto found = tasks_.find(key);
  return found == tasks_.end() ? nullptr : found->second.get();
}

bool DetachedTasks::has_since(SequenceNumber sequence, std::uint32_t generation) const {
  const auto next = tasks_.lower_bound({sequence, generation, 0});
  return next != tasks_.end() && next->first.sequence == sequence;
}

void DetachedTasks::add(const TaskKey& key, DetachedTask task) {
  auto shared = std::make_shared<const DetachedTask>(std::move(task));
  bytes_ += bytes_of(*shared);
  changes_.insert_or_assign(key, shared);
  const bool added = tasks_.emplace(key, std::move(shared)).second;
  INGOT_ASSERT(added, key.sequence.value, key.task_id);
}

void DetachedTasks::remove(const TaskKey& key) {
  const auto found = tasks_.find(key);
  if (found != tasks_.end()) remove(found);
}

void DetachedTasks::remove_execution(SequenceNumber sequence, std::uint32_t generation) {
  auto next = tasks_.lower_bound({sequence, generation, 0});
  while (next != tasks_.end() && next->first.sequence == sequence &&
         next->first.generation == generation) {
    next = remove(next);
  }
}

std::map<TaskKey, DetachedTasks::Shared>::iterator DetachedTasks::remove(
    std::map<TaskKey, Shared>::iterator task) {
  bytes_ -= bytes_of(*task->second);
  const auto change = changes_.find(task->first);
  if (change == changes_.end()) {
    changes_.emplace(task->first, nullptr);
  } else {
    changes_.erase(change);  // the store has never heard of it
  }
  return tasks_.erase(task);
}

void DetachedTasks::restore(const TaskKey& key, Shared task) {
  bytes_ += bytes_of(*task);
  tasks_.insert_or_assign(key, std::move(task));
}

void encode_detached_task(const DetachedTask& task, std::string& out) {
  put_bytes(out, task.instance_id);
  put_fixed64(out, task.execution_id.high);
  put_fixed64(out, task.execution_id.low);
  put_bytes(out, task.scheduled);
}

std::optional<DetachedTask> decode_detached_task(std::string_view bytes, std::int32_t task_id) {
  Reader reader(bytes);
  DetachedTask task;
  task.instance_id = reader.bytes();
  task.execution_id.high = reader.fixed64();
  task.execution_id.low = reader.fixed64();
  task.scheduled = reader.bytes();
  if (!reader.finished() || !validate_instance_id(task.instance_id).ok()) return std::nullopt;
  Reader event(task.scheduled);
  const HistoryEventView scheduled = decode_event(event);
  if (!event.finished() || scheduled.kind != HistoryEventKind::task_scheduled ||
      scheduled.event_id != task_id) {
    return std::nullopt;
  }
  return task;
}

}  // namespace ingot::partition
