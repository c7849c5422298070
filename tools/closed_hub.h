#pragma once

// A hub that is looked at from outside: its folder is locked and its files are read, but it is not
// opened. All that is written is this process's id, into the lock file.

#include <memory>
#include <string>

#include "commit-log/io.h"
#include "commit-log/log_reader.h"
#include "partition/hub/hub_directory.h"
#include "storage/store_verifier.h"

namespace ingot::tools {

class ClosedHub {
 public:
  // Errors: not_found, failed_precondition (a folder that is not a hub), busy (who has it open),
  // unsupported (format version), corrupt (the hub file), io_error.
  [[nodiscard]] static Result<ClosedHub> open(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t hub_id() const { return directory_.identity().hub_id; }
  [[nodiscard]] std::uint32_t partitions() const { return directory_.identity().partitions; }
  [[nodiscard]] partition::PartitionFolder folder(PartitionId partition) const {
    return directory_.folder(partition);
  }
  // True when the partition has a folder for its log.
  [[nodiscard]] bool has_log(PartitionId partition) const;

  [[nodiscard]] storage::LmdbStoreOptions store_options(PartitionId partition) const;
  // As log::LogReader::read(). `checkpoint` 0: not known.
  [[nodiscard]] Result<log::LogSummary> read_log(PartitionId partition, Position checkpoint,
                                                 const log::LogVisitor& visitor) const;
  [[nodiscard]] log::Io& io() const { return *io_; }

 private:
  ClosedHub(std::string path, partition::HubDirectory directory);

  std::string path_;
  partition::HubDirectory directory_;
  std::unique_ptr<log::Io> io_;
};

}  // namespace ingot::tools
