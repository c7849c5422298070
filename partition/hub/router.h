#pragma once

// Router: brings a request to the inbox of its partition.

#include <vector>

#include "core/hash.h"
#include "core/out_of_memory.h"
#include "partition/shard/environment.h"
#include "partition/shard/shard.h"

namespace ingot::partition {

class Router final : public PartitionPost {
 public:
  explicit Router(std::uint32_t partitions) : partitions_(partitions) {}
  // Makes the inbox of the next shard known; all of them, before anything is sent. It outlives the
  // router's use.
  void add_shard(Inbox& inbox) { inboxes_.push_back(&inbox); }

  [[nodiscard]] std::uint32_t partitions() const { return partitions_; }
  // The partition of an id hash (hash64 of the id), as partition_of() says.
  [[nodiscard]] PartitionId of_hash(std::uint64_t id_hash) const {
    return PartitionId(static_cast<std::uint32_t>(id_hash % partitions_));
  }
  // A client's request; when it is not taken it is as it was.
  Status offer(PartitionId partition, Request&& request) {
    return inbox(partition).offer(slot(partition), std::move(request));
  }
  // A client's request whose callback hears of it when it is not taken.
  void offer_or_refuse(PartitionId partition, Request request) {
    const Status taken = or_overloaded([&] { return offer(partition, std::move(request)); });
    if (!taken.ok()) or_end("refusing a request", [&] { refuse(request, taken); });
  }
  void push(PartitionId partition, Request&& request) override {
    inbox(partition).push(slot(partition), std::move(request));
  }

 private:
  // Partition p is in shard p mod n, at place p div n.
  [[nodiscard]] Inbox& inbox(PartitionId partition) const {
    return *inboxes_[partition.value % inboxes_.size()];
  }
  [[nodiscard]] std::uint32_t slot(PartitionId partition) const {
    return partition.value / static_cast<std::uint32_t>(inboxes_.size());
  }

  const std::uint32_t partitions_;
  std::vector<Inbox*> inboxes_;  // by shard
};

}  // namespace ingot::partition
