#pragma once

// Opens an existing hub for looking at it through the client: nothing is registered, so nothing of
// it runs; what is due waits for its program.

#include <ingot/task_hub.h>

#include <functional>
#include <memory>
#include <string>

namespace ingot::tools {

// Errors: as TaskHub::open().
[[nodiscard]] Result<std::unique_ptr<TaskHub>> open_hub(const std::string& path);

// Opens the hub, lets `look` at it, and closes it: the exit code, with what failed reported.
[[nodiscard]] int look_into_hub(const std::string& path,
                                const std::function<Status(Client&)>& look);

}  // namespace ingot::tools
