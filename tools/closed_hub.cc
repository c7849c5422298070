#include "tools/closed_hub.h"

#include <filesystem>

#include "commit-log/pwrite_io.h"
#include "core/try.h"

namespace ingot::tools {

Result<ClosedHub> ClosedHub::open(const std::string& path) {
  INGOT_ASSIGN(auto directory, partition::HubDirectory::open(path, OpenMode::open_existing, 0));
  return ClosedHub(path, std::move(directory));
}

// No make_io(): it would prove the backend by writing a file, and nothing is written here.
ClosedHub::ClosedHub(std::string path, partition::HubDirectory directory)
    : path_(std::move(path)),
      directory_(std::move(directory)),
      io_(std::make_unique<log::PwriteIo>()) {}

bool ClosedHub::has_log(PartitionId partition) const {
  std::error_code ignored;
  return std::filesystem::is_directory(folder(partition).log, ignored);
}

storage::LmdbStoreOptions ClosedHub::store_options(PartitionId partition) const {
  storage::LmdbStoreOptions options;
  options.directory = folder(partition).checkpoint;
  options.hub_id = hub_id();
  options.partition = partition;
  return options;
}

Result<log::LogSummary> ClosedHub::read_log(PartitionId partition, Position checkpoint,
                                            const log::LogVisitor& visitor) const {
  log::LogReaderOptions options;
  options.directory = folder(partition).log;
  options.hub_id = hub_id();
  options.partition = partition;
  options.checkpoint = checkpoint;
  return log::LogReader(*io_, options).read(visitor);
}

}  // namespace ingot::tools
