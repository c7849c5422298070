#include "partition/shard/inbox.h"

#include <new>

#include "core/out_of_memory.h"
#include "core/planted_bug.h"

namespace ingot::partition {

Inbox::Inbox(std::uint32_t partitions, std::uint32_t requests_max, std::function<void()> wake)
    : requests_max_(requests_max), wake_(std::move(wake)), admitted_(partitions), entries_(0) {}

Inbox::~Inbox() {
  while (pop() != nullptr) {
  }
}

Status Inbox::offer(std::uint32_t slot, Request&& request) {
  std::atomic<std::uint32_t>& count = admitted_[slot].count;
  // Counted first: close() is complete only when every count is back at zero.
  const std::uint32_t before = count.fetch_add(1);
  if (closed_.load()) {
    count.fetch_sub(1);
    return Status(StatusCode::cancelled, "the task hub is closed");
  }
  if (before >= requests_max_ && !INGOT_PLANTED(kUnboundedInbox)) {
    count.fetch_sub(1);
    admitted_[slot].overloads.fetch_add(1, std::memory_order_relaxed);
    return Status(StatusCode::overloaded, "the partition's inbox holds " +
                                              std::to_string(requests_max_) +
                                              " requests; nothing was taken");
  }
  std::unique_ptr<Entry> entry;
  try {
    entry = std::make_unique<Entry>(slot, true, std::move(request));
    entries_.push(entry.get());
  } catch (const std::bad_alloc&) {
    if (entry != nullptr) request = std::move(entry->request);
    count.fetch_sub(1);
    return no_memory_for_call();
  }
  static_cast<void>(entry.release());
  wake_();
  return {};
}

void Inbox::push(std::uint32_t slot, Request&& request) {
  auto entry = std::make_unique<Entry>(slot, false, std::move(request));
  entries_.push(entry.get());
  static_cast<void>(entry.release());
  wake_();
}

std::unique_ptr<Inbox::Entry> Inbox::pop() {
  Entry* entry = nullptr;
  return std::unique_ptr<Entry>(entries_.pop(entry) ? entry : nullptr);
}

bool Inbox::drained() const {
  for (const Admitted& admitted : admitted_) {
    if (admitted.count.load() != 0) return false;
  }
  return true;
}

}  // namespace ingot::partition
