#pragma once

// HubDirectory: the folder of a task hub: its hub file, its lock, where each partition lives.
//
//   <hub>/hub.ingot          magic, version, hub id, partition count, CRC-32C (FORMAT.md)
//   <hub>/hub.ingot.new      the same, while the hub is being made
//   <hub>/lock               flock()ed by the process that has the hub open, holds its pid
//   <hub>/partition-0003/log, <hub>/partition-0003/checkpoint
//
// Folders have mode 0700, files 0600. A folder with anything else in it is not made into a hub.

#include <ingot/hub_options.h>
#include <ingot/ids.h>
#include <ingot/status.h>

#include <cstdint>
#include <string>

#include "partition/recovery/recover.h"

namespace ingot::partition {

struct HubIdentity {
  std::uint64_t hub_id = 0;
  std::uint32_t partitions = 0;
};

class HubDirectory {
 public:
  // Locks the folder and reads the hub file, or begins to make both: a hub that is new exists once
  // publish() has succeeded. `partitions` 0: any (4 for a new hub). Errors: see TaskHub::open().
  // `busy` names the process that has it.
  [[nodiscard]] static Result<HubDirectory> open(const std::string& path, OpenMode mode,
                                                 std::uint32_t partitions);
  ~HubDirectory();
  HubDirectory(HubDirectory&& other) noexcept;
  HubDirectory& operator=(HubDirectory&&) = delete;
  HubDirectory(const HubDirectory&) = delete;

  [[nodiscard]] const HubIdentity& identity() const { return identity_; }
  [[nodiscard]] bool is_new() const { return is_new_; }
  // Each partition's log and checkpoint are there: from now on what is missing is `corrupt`.
  [[nodiscard]] Status publish();
  [[nodiscard]] PartitionFolder folder(PartitionId partition) const;
  // `corrupt` when one of the partition's folders is missing: the hub was made with it.
  [[nodiscard]] Status check_folder(PartitionId partition) const;

 private:
  Status make_folder(PartitionId partition) const;

  HubDirectory(std::string path, int lock, HubIdentity identity)
      : path_(std::move(path)), lock_(lock), identity_(identity) {}

  std::string path_;
  int lock_;
  HubIdentity identity_;
  bool is_new_ = false;
};

}  // namespace ingot::partition
