#pragma once

// Instance: one live orchestration, or an entity, as the state machine sees it while it is in
// memory.
//
// Invariants:
//   - `history` is a sequence of encoded events that only grows (a new execution starts afresh);
//   - `inbox` holds `inbox_count` encoded events that no step has consumed, in order of arrival;
//   - `status` is pending until the first step is applied, and never terminal: an instance that
//     ends becomes an immutable record (finished_stage.h) and leaves the table;
//   - `timers`, `tasks` and `awaited` are what the current execution (`generation`) still waits
//   for;
//   - an entity is always running, has no history, and its timers are those of scheduled signals.
//
// The last group of members is bookkeeping of memory and checkpoints. It is not part of the row and
// not of the state hash.

#include <ingot/history_event.h>
#include <ingot/ids.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/recycled.h"
#include "partition/state/entity.h"
#include "partition/state/pending_tasks.h"

namespace ingot::partition {

// What the history and the inbox of one orchestration may come to: a fact and a record hold all of
// it in one piece. One that would grow beyond it fails.
inline constexpr std::uint64_t kInstanceBytesMax = 256ULL << 20;

struct PendingTimer {
  std::int32_t id = 0;
  Timestamp fire_at;
};

static_assert(PendingTasks::kIdMax == (1 << HeldLocks::kActionIdBits) - 1);

struct Instance : Recycled<Instance> {
  SequenceNumber sequence;
  std::string id;
  std::uint64_t id_hash = 0;
  ExecutionId execution_id;
  std::uint32_t generation = 0;
  std::uint32_t rewinds = 0;  // how often it was rewound
  RuntimeStatus status = RuntimeStatus::pending;
  Timestamp created_at;
  Timestamp updated_at;
  std::string history;
  std::string inbox;
  std::uint32_t inbox_count = 0;
  // Waits for its scheduled start: messages are kept, but no step runs.
  bool start_scheduled = false;
  std::int32_t next_action_id = 0;  // ids below it are taken in this execution
  PendingTasks tasks;
  PendingTasks awaited;  // sub-orchestrations, entity calls and lock requests
  std::vector<PendingTimer> timers;
  bool has_parent = false;
  std::unique_ptr<std::string> custom_status;  // null: never set

  std::unique_ptr<HeldLocks> locks;
  std::unique_ptr<Entity> entity;

  // --- bookkeeping ---
  bool control_in_inbox = false;   // a suspension, resumption or termination is or was among it
  std::uint64_t dirty_epoch = 0;   // 0: as copied; else the checkpoint epoch it was changed in
  std::uint64_t copied_epoch = 0;  // of the last copy for a checkpoint
  bool stored = false;             // a row exists in a checkpoint begun or committed
  bool work_listed = false;        // that row is in the list of unfinished work
  std::uint32_t accounted_bytes = 0;
  Instance* older = nullptr;  // by last use
  Instance* newer = nullptr;

  // An activity, timer, child or answer that this action asked for is still to come.
  [[nodiscard]] bool waits_for(std::int32_t action) const {
    return tasks.contains(action) || awaited.contains(action) ||
           std::any_of(timers.begin(), timers.end(), [=](const auto& t) { return t.id == action; });
  }
  // Messages are kept, but no step runs yet.
  [[nodiscard]] bool blocked() const {
    return start_scheduled || (locks != nullptr && locks->again);
  }
  // Something has to be done for it after recovery without any new message.
  [[nodiscard]] bool has_outstanding_work() const {
    return (inbox_count != 0 && !blocked()) || !tasks.empty();
  }
  [[nodiscard]] std::uint64_t event_bytes() const { return history.size() + inbox.size(); }
  // With so many bytes more it stays within kInstanceBytesMax.
  [[nodiscard]] bool has_room_for(std::uint64_t bytes) const {
    return event_bytes() + bytes <= kInstanceBytesMax;
  }
  [[nodiscard]] std::size_t memory_bytes() const {
    return sizeof(Instance) + 64 + heap_bytes(id) + heap_bytes(history) + heap_bytes(inbox) +
           tasks.heap_bytes() + awaited.heap_bytes() + (entity ? entity->memory_bytes() : 0) +
           timers.capacity() * sizeof(PendingTimer) +
           (custom_status ? 48 + custom_status->capacity() : 0);
  }

 private:
  static std::size_t heap_bytes(const std::string& text) {
    return text.capacity() < 16 ? 0 : text.capacity() + 17;
  }
};

}  // namespace ingot::partition
