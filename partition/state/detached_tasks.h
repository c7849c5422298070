#pragma once

// DetachedTasks: the activities that were pending when their execution ended. They are run at least
// once, as those of a live one are; their results are for no one.
//
// Invariants:
//   - a task is here from the end of its execution until its result is recorded, whatever becomes
//     of the instance's id meanwhile; its key is never given again;
//   - it holds a copy of all that running it needs, and never changes.
//
// Changes since the last cut are kept for the checkpoint, which writes only them. What came and
// went since then is none. The cut shares the tasks with the table, so that taking it copies
// nothing.

#include <ingot/ids.h>

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/history_codec.h"

namespace ingot::partition {

// Names an activity for ever: by the instance's number, its execution, and the action's id.
struct TaskKey {
  SequenceNumber sequence;
  std::uint32_t generation = 0;
  std::int32_t task_id = 0;

  auto operator<=>(const TaskKey&) const = default;
};

struct DetachedTask {
  std::string instance_id;
  ExecutionId execution_id;
  std::string scheduled;  // the encoded TaskScheduled event

  bool operator==(const DetachedTask&) const = default;
};

class DetachedTasks {
 public:
  using Shared = std::shared_ptr<const DetachedTask>;
  // By key; null: removed.
  using Changes = std::map<TaskKey, Shared>;

  [[nodiscard]] bool empty() const { return tasks_.empty(); }
  [[nodiscard]] std::size_t size() const { return tasks_.size(); }
  // Null when it is not there.
  [[nodiscard]] const DetachedTask* find(const TaskKey& key) const;
  [[nodiscard]] const std::map<TaskKey, Shared>& all() const { return tasks_; }
  // One of this execution of the instance, or of a later one, is here.
  [[nodiscard]] bool has_since(SequenceNumber sequence, std::uint32_t generation) const;

  void add(const TaskKey& key, DetachedTask task);
  // Nothing happens when it is not there.
  void remove(const TaskKey& key);
  // All of one execution.
  void remove_execution(SequenceNumber sequence, std::uint32_t generation);
  // At recovery: what the checkpoint holds, so no change.
  void restore(const TaskKey& key, Shared task);

  // The changes since the last call.
  [[nodiscard]] Changes take_changes() { return std::exchange(changes_, {}); }
  [[nodiscard]] std::size_t memory_bytes() const { return bytes_ + changes_.size() * kNodeBytes; }

 private:
  static constexpr std::size_t kNodeBytes = 96;
  static std::size_t bytes_of(const DetachedTask& task) {
    return kNodeBytes + sizeof task + task.instance_id.capacity() + task.scheduled.capacity();
  }
  std::map<TaskKey, Shared>::iterator remove(std::map<TaskKey, Shared>::iterator task);

  std::map<TaskKey, Shared> tasks_;
  Changes changes_;
  std::size_t bytes_ = 0;
};

// The task as bytes. Decoding checks that it is an activity of that id, and gives nothing if not.
void encode_detached_task(const DetachedTask& task, std::string& out);
[[nodiscard]] std::optional<DetachedTask> decode_detached_task(std::string_view bytes,
                                                               std::int32_t task_id);

}  // namespace ingot::partition
