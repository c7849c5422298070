#include "tools/open_hub.h"

#include "tools/output.h"

namespace ingot::tools {

Result<std::unique_ptr<TaskHub>> open_hub(const std::string& path) {
  HubOptions options;
  options.mode = OpenMode::open_existing;
  options.foreign_work = true;
  options.activity_threads = 1;
  return TaskHub::open(path, Registry(), options);
}

int look_into_hub(const std::string& path, const std::function<Status(Client&)>& look) {
  auto hub = open_hub(path);
  if (!hub.ok()) return report_failure(hub.status());
  const Status looked = look((*hub)->client());
  const Status closed = (*hub)->close();
  if (!looked.ok()) return report_failure(looked);
  return closed.ok() ? kExitDone : report_failure(closed);
}

}  // namespace ingot::tools
