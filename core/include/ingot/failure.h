#pragma once

// How a failure crosses from an activity or a child to the orchestrator that waits for it.

#include <ingot/history_event.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace ingot {

// Thrown in an orchestrator by `co_await` on a failed activity or sub-orchestration. Activities and
// orchestrators may throw it themselves, to choose the failure's type or to forbid retries.
class TaskFailedError : public std::runtime_error {
 public:
  // A failure of one's own: its details become the failure of the activity or orchestration.
  explicit TaskFailedError(FailureDetails details);
  TaskFailedError(std::string type, std::string message, bool non_retriable = false);
  // The failure of the task with the action id `task_id`, as `co_await` throws it. Left unhandled,
  // the orchestration fails with type "ingot::TaskFailedError" and `details` as the inner failure.
  TaskFailedError(std::int32_t task_id, FailureDetails details);

  // What the failed task reported.
  [[nodiscard]] const FailureDetails& details() const { return details_; }
  // The failed task's action id; -1 when nothing was awaited.
  [[nodiscard]] std::int32_t task_id() const { return task_id_; }

 private:
  FailureDetails details_;
  std::int32_t task_id_ = -1;
};

}  // namespace ingot
