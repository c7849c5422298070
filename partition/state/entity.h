#pragma once

// Entity: what an instance has more when it is an entity.
//
// Invariants:
//   - the operations in the instance's inbox may run now, in their order; what has to wait for a
//     lock is in `waiting`, in its order of arrival, lock requests included;
//   - while the entity is locked only the owner's operations enter the inbox;
//   - a lock is granted only when the inbox is empty, so what came before it has run;
//   - nothing waits in an entity that is not locked and has an empty inbox.

#include <ingot/ids.h>
#include <ingot/time.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ingot::partition {

// The lock request of one execution of an orchestration.
struct CriticalSection {
  std::string owner;  // instance id; empty: none
  ExecutionId execution_id;
  std::int32_t event_id = -1;

  bool operator==(const CriticalSection&) const = default;
};

// Signals that are due later, each by the id of its timer, which is one of the instance's. There
// may be very many of them.
class ScheduledSignals {
 public:
  using Events = std::map<std::int32_t, std::string>;

  // False when the timer has a signal already.
  bool add(std::int32_t timer_id, std::string_view event) {
    const bool added = events_.try_emplace(timer_id, event).second;
    if (added) heap_bytes_ += kNodeBytes + event.size();
    return added;
  }
  // The event; nothing when there is none.
  std::optional<std::string> take(std::int32_t timer_id) {
    const auto node = events_.extract(timer_id);
    if (node.empty()) return std::nullopt;
    heap_bytes_ -= kNodeBytes + node.mapped().size();
    return std::move(node.mapped());
  }
  [[nodiscard]] const Events& events() const { return events_; }
  [[nodiscard]] std::size_t heap_bytes() const { return heap_bytes_; }

 private:
  static constexpr std::size_t kNodeBytes = 96;  // of the tree, and what the allocator adds
  Events events_;
  std::size_t heap_bytes_ = 0;
};

struct Entity {
  std::optional<std::string> state;  // absent: deleted, or never set
  CriticalSection lock;
  std::string waiting;  // encoded events
  std::uint32_t waiting_count = 0;
  ScheduledSignals scheduled;

  [[nodiscard]] bool locked() const { return !lock.owner.empty(); }
  [[nodiscard]] std::size_t memory_bytes() const {
    return sizeof *this + lock.owner.capacity() + waiting.capacity() +
           (state ? state->capacity() : 0) + scheduled.heap_bytes();
  }
};

// What an orchestration holds or has asked for: the entities of its critical section that it has
// not given back, by id.
struct HeldLocks {
  // Of the request: its action's id, and above these bits how often the instance has been rewound,
  // so that a grant from before a rewind is not taken for the one after it.
  std::int32_t event_id = -1;
  bool granted = false;
  // The orchestrator believes that it holds them, because it did so before a rewind. No step runs
  // until they are granted again. Never together with `granted`.
  bool again = false;
  std::vector<std::string> entities;

  static constexpr int kActionIdBits = 26;
  static std::int32_t request_id(std::int32_t action_id, std::uint32_t rewinds) {
    return action_id | static_cast<std::int32_t>((rewinds % 32) << kActionIdBits);
  }
  [[nodiscard]] std::int32_t action_id() const { return event_id & ((1 << kActionIdBits) - 1); }
};

}  // namespace ingot::partition
