#include "partition/state/instance_table.h"

namespace ingot::partition {

InstanceTable::~InstanceTable() {
  for (Instance* i = oldest_; i != nullptr;) {
    Instance* next = i->newer;
    delete i;
    i = next;
  }
}

Instance& InstanceTable::insert(std::unique_ptr<Instance> instance) {
  INGOT_ASSERT(find(instance->sequence) == nullptr, instance->sequence.value);
  Instance& placed = *instance.release();
  // The list owns it, also when there is no memory for the indexes.
  link_newest(placed);
  by_id_.insert(placed.id_hash, &placed);
  by_sequence_.insert(placed.sequence.value, &placed);
  placed.accounted_bytes = 0;
  account(placed);
  return placed;
}

std::unique_ptr<Instance> InstanceTable::remove(Instance& instance) {
  const bool by_id = by_id_.erase(instance.id_hash, &instance);
  const bool by_sequence = by_sequence_.erase(instance.sequence.value, &instance);
  INGOT_ASSERT(by_id && by_sequence, instance.sequence.value);
  unlink(instance);
  instance_bytes_ -= instance.accounted_bytes;
  return std::unique_ptr<Instance>(&instance);
}

void InstanceTable::used(Instance& instance) {
  if (newest_ != &instance) {
    unlink(instance);
    link_newest(instance);
  }
  account(instance);
}

void InstanceTable::link_newest(Instance& instance) {
  instance.older = newest_;
  instance.newer = nullptr;
  (newest_ == nullptr ? oldest_ : newest_->newer) = &instance;
  newest_ = &instance;
}

void InstanceTable::unlink(Instance& instance) {
  (instance.older == nullptr ? oldest_ : instance.older->newer) = instance.newer;
  (instance.newer == nullptr ? newest_ : instance.newer->older) = instance.older;
}

void InstanceTable::account(Instance& instance) {
  const auto bytes = static_cast<std::uint32_t>(instance.memory_bytes());
  instance_bytes_ = instance_bytes_ - instance.accounted_bytes + bytes;
  instance.accounted_bytes = bytes;
}

}  // namespace ingot::partition
