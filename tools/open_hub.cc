#include "tools/open_hub.h"

namespace ingot::tools {

Result<std::unique_ptr<TaskHub>> open_hub(const std::string& path) {
  HubOptions options;
  options.mode = OpenMode::open_existing;
  options.foreign_work = true;
  options.activity_threads = 1;
  return TaskHub::open(path, Registry(), options);
}

}  // namespace ingot::tools
