#pragma once

// InstanceTable: the live instances that are in memory, by id and by sequence number, and in the
// order of their last use.
//
// Owns the instances. The least recently used come first when memory has to be found.

#include <memory>
#include <string_view>

#include "partition/state/flat_index.h"
#include "partition/state/instance.h"

namespace ingot::partition {

class InstanceTable {
 public:
  InstanceTable() = default;
  ~InstanceTable();
  InstanceTable(const InstanceTable&) = delete;
  InstanceTable& operator=(const InstanceTable&) = delete;

  [[nodiscard]] Instance* find(SequenceNumber sequence) const {
    return by_sequence_.find(sequence.value);
  }
  [[nodiscard]] Instance* find(std::uint64_t id_hash, std::string_view id) const {
    return by_id_.find(id_hash, [&](const Instance* i) { return i->id == id; });
  }

  // The instance is not in the table yet; sequence, id and id_hash are set.
  Instance& insert(std::unique_ptr<Instance> instance);
  // Takes it out.
  [[nodiscard]] std::unique_ptr<Instance> remove(Instance& instance);
  // The instance was used and may have grown: makes it the newest and recounts its memory.
  void used(Instance& instance);

  [[nodiscard]] Instance* oldest() const { return oldest_; }
  [[nodiscard]] std::size_t size() const { return by_sequence_.size(); }
  [[nodiscard]] std::size_t memory_bytes() const {
    return instance_bytes_ + by_id_.memory_bytes() + by_sequence_.memory_bytes();
  }
  // Calls `visit(Instance&)` for each, from the least to the most recently used.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (Instance* i = oldest_; i != nullptr; i = i->newer) visit(*i);
  }

 private:
  void link_newest(Instance& instance);
  void unlink(Instance& instance);
  void account(Instance& instance);

  FlatIndex<Instance*> by_id_;
  FlatIndex<Instance*> by_sequence_;
  Instance* oldest_ = nullptr;
  Instance* newest_ = nullptr;
  std::size_t instance_bytes_ = 0;
};

}  // namespace ingot::partition
