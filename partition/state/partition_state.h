#pragma once

// PartitionState: everything that a partition's facts determine, and what of it changed since the
// last checkpoint's cut.
//
// Invariants:
//   - facts change it through apply/ only, in the order of their positions;
//   - every change of an instance is announced by touch() before it happens;
//   - an instance is in at most one place: in `instances`, in `finished`, or only in the store;
//   - an instance leaves memory only when it is clean (as the last committed checkpoint has it).
//
// No clock, no randomness, no I/O, no threads.

#include <ingot/ids.h>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "partition/state/agenda.h"
#include "partition/state/detached_tasks.h"
#include "partition/state/finished_stage.h"
#include "partition/state/instance_table.h"
#include "partition/state/outbox.h"
#include "partition/state/recent_requests.h"

namespace ingot::partition {

// Takes the copy of an instance for the checkpoint whose cut came before a change to it.
class CopySink {
 public:
  virtual ~CopySink() = default;
  virtual void copy(Instance& instance) = 0;
};

// A live row that is to leave the store, because its instance has ended.
struct ErasedRow {
  SequenceNumber sequence;
  bool work_listed = false;
};

struct StateCounters {
  std::uint64_t created = 0;   // orchestrations, ever
  std::uint64_t finished = 0;  // of these
  std::uint64_t history_events = 0;
  // The orchestrations that exist, finished ones included, by RuntimeStatus.
  std::array<std::uint64_t, kRuntimeStatusMax + 1> by_status{};
  std::uint64_t entities = 0;  // that exist

  bool operator==(const StateCounters&) const = default;
};

class PartitionState {
 public:
  PartitionState(PartitionId id, std::uint32_t count) : partition(id), partition_count(count) {}

  const PartitionId partition;
  const std::uint32_t partition_count;

  Position applied;
  SequenceNumber last_sequence;
  StateCounters counters;
  InstanceTable instances;
  FinishedStage finished;
  Agenda agenda;
  DetachedTasks detached;
  Outbox outbox;
  PeerDedup dedup;
  RecentRequests requests;

  // --- what the next checkpoint has to write ---
  std::uint64_t epoch = 1;             // counts cuts
  std::vector<SequenceNumber> dirty;   // touched in this epoch
  std::vector<ErasedRow> erased_rows;  // in this epoch
  CopySink* copies = nullptr;          // set while a cut is being copied

  // Call before the first change to `instance` by a fact.
  void touch(Instance& instance) {
    if (instance.dirty_epoch == epoch) return;
    if (instance.dirty_epoch != 0) {
      INGOT_ASSERT(copies != nullptr, instance.dirty_epoch, epoch);
      copies->copy(instance);
    }
    instance.dirty_epoch = epoch;
    dirty.push_back(instance.sequence);
  }

  // An empty buffer for an instance's inbox or history, with room if one could be kept.
  [[nodiscard]] std::string take_buffer();

  // Every change of an orchestration's status.
  void set_status(Instance& instance, RuntimeStatus status) {
    --count(instance.status);
    instance.status = status;
    ++count(status);
  }
  [[nodiscard]] std::uint64_t& count(RuntimeStatus status) {
    return counters.by_status[static_cast<std::size_t>(status)];
  }

  // The instance has ended: it becomes a finished record and leaves memory.
  FinishedRecord finish(Instance& instance);
  // The execution of the instance ends: what it still has pending is detached from it.
  void detach_tasks(const Instance& instance);
  // Takes the instance's timers off the agenda.
  void cancel_timers(const Instance& instance);
  // An entity leaves memory and store.
  void remove_entity(Instance& instance);

  [[nodiscard]] std::size_t memory_bytes() const {
    return instances.memory_bytes() + finished.memory_bytes() + agenda.memory_bytes() +
           detached.memory_bytes() + outbox.memory_bytes() + requests.memory_bytes() +
           dirty.capacity() * sizeof(SequenceNumber);
  }

  // The small tables (everything but instances, records, timers and detached tasks) as bytes, for a
  // checkpoint.
  void encode_tables(std::string& out) const;
  [[nodiscard]] Status decode_tables(std::string_view bytes);

  // The whole state as bytes, in an order that depends on nothing but the facts: two states are
  // equal when these are. For tests and the replay checker; instances not in memory are not in it.
  [[nodiscard]] std::string snapshot() const;

 private:
  void keep_buffer(std::string&& buffer);

  std::string row_;                   // scratch of finish()
  std::vector<std::string> buffers_;  // of instances that have ended, for the next ones
};

// Calls `visit(id, offset of its TaskScheduled event in the history)` for each pending activity, by
// id. A foreign runtime may have used an id before: its last event counts.
void for_each_pending_task(const Instance& instance,
                           const std::function<void(std::int32_t, std::uint64_t)>& visit);

}  // namespace ingot::partition
