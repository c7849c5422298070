#include <ingot/failure.h>

#include <utility>

namespace ingot {

TaskFailedError::TaskFailedError(FailureDetails details)
    : std::runtime_error(details.message), details_(std::move(details)) {}

TaskFailedError::TaskFailedError(std::string type, std::string message, bool non_retriable)
    : TaskFailedError(FailureDetails{std::move(type), std::move(message), non_retriable, {}}) {}

TaskFailedError::TaskFailedError(std::int32_t task_id, FailureDetails details)
    : std::runtime_error("task " + std::to_string(task_id) + " failed: " + details.message),
      details_(std::move(details)),
      task_id_(task_id) {}

}  // namespace ingot
