#pragma once

// Partition: one partition at work. Wires the parts together and gives each its turn.
//
//   requests -> intake, workers, peers -> recorder (fact: log batch + state machine) -> effects
//   effects -> queues of local work, or the effect gate -> released when the write is durable
//
// Invariants:
//   - local work (steps, inline activities) runs until there is none, and its facts join the same
//     batch, so that a chain without outside waits costs one write;
//   - one write is in flight; while it is, the next batch grows to at most batch_bytes_max before
//     the partition stops taking requests;
//   - no fact is made unless the log surely has room for it. So all that was applied becomes
//     durable, on a full disk as well: reads are answered, checkpoints can be taken, and only what
//     needs room is refused (requests) or waits (all else);
//   - after a failure nothing is taken, run or answered with success any more.
//
// One thread: its shard's.

#include <deque>
#include <memory>

#include "partition/checkpoint/checkpointer.h"
#include "partition/memory/residency.h"
#include "partition/peers/peer_exchange.h"
#include "partition/recovery/recover.h"
#include "partition/requests/completion_scan.h"
#include "partition/requests/intake.h"
#include "partition/requests/retention.h"
#include "partition/requests/row_scan.h"
#include "partition/requests/waiters.h"
#include "partition/shard/effect_gate.h"
#include "partition/shard/environment.h"
#include "partition/shard/inbox.h"
#include "partition/shard/recorder.h"
#include "partition/work/activity_dispatch.h"
#include "partition/work/entity_worker.h"
#include "partition/work/foreign_work.h"
#include "partition/work/orchestrator_runner.h"
#include "partition/work/session.h"

namespace ingot::partition {

class Partition final : private EffectDispatcher {
 public:
  // `slot` is the partition's place in its shard and the token of its writes. `memory_bytes` is its
  // share of the hub's budget. What `recovered` found unfinished is started again.
  Partition(const Environment& environment, Recovered recovered, std::uint32_t slot,
            std::uint64_t memory_bytes, std::uint64_t seed, Inbox& inbox);

  // The time of what is taken next.
  void set_time(Timestamp now, Duration monotonic);
  // Takes a request from the inbox, or keeps it until there is room.
  void take(std::unique_ptr<Inbox::Entry> entry);
  // The write in flight is done.
  void on_write(const Status& status);
  // Fires timers, runs local work, writes, checkpoints, evicts. True when anything was done.
  bool turn(Timestamp now, Duration monotonic);
  // When turn() has to be called at the latest, in monotonic time; max(): only after an event.
  [[nodiscard]] Duration next_deadline(Timestamp now, Duration monotonic) const;

  // From now on no local work starts; what was taken is still written and answered.
  void close();
  // The hub closes, but work goes on: those who wait for an instance are told.
  void refuse_waits();
  // After settling: those who still wait are told that the hub closes.
  void end_waits();
  // Everything that was recorded is durable and answered (or the partition has failed).
  [[nodiscard]] bool settled() const;
  // Evicts what is idle and checkpointed, whatever the budget: simulations do this at any time.
  void evict_idle() { residency_.evict(0, state_->instances.size()); }

  [[nodiscard]] PartitionMetrics metrics() const;
  [[nodiscard]] const Histogram& checkpoint_stalls() const { return checkpointer_.stalls(); }
  [[nodiscard]] const RecoveryFigures& recovery() const { return recovery_; }

 private:
  struct Taker;
  friend struct Taker;

  void perform(const Effect& effect) override;
  void enqueue_step(SequenceNumber sequence);
  void start_unfinished();
  void dispatch(std::unique_ptr<Inbox::Entry> entry);
  void finish(std::unique_ptr<Inbox::Entry> entry);
  void redispatch(std::vector<std::unique_ptr<Inbox::Entry>>& loaded);
  void take_results(ActivityResults& results);
  [[nodiscard]] bool can_take();
  bool take_held();
  void find_room();
  bool fire_timers(Timestamp now);
  bool run_local_work(std::size_t waiting);
  bool flush(Duration monotonic);
  bool keep_memory();
  void refuse_loads(const Status& why);
  void stop(const Status& why);

  const Environment& environment_;
  const std::uint32_t slot_;
  const std::uint64_t memory_bytes_;
  Inbox& inbox_;
  const RecoveryFigures recovery_;
  std::unique_ptr<storage::CheckpointStore> store_;
  std::unique_ptr<PartitionState> state_;
  std::unique_ptr<log::CommitLog> log_;
  const StateCounters counters_at_open_;
  const Position position_at_open_;

  EffectGate gate_;
  Sessions sessions_;
  Recorder recorder_;
  Residency residency_;
  Waiters waiters_;
  Intake intake_;
  RowScan rows_;
  CompletionScan completions_;
  Retention retention_;
  OrchestratorRunner runner_;
  EntityWorker entities_;
  ForeignWork foreign_;
  ActivityDispatch activities_;
  PeerExchange peers_;
  Checkpointer checkpointer_;

  std::deque<SequenceNumber> steps_;
  std::deque<std::unique_ptr<Inbox::Entry>> held_;  // client requests that wait for room
  // What waits for room in the log only: it may be what frees the rest.
  std::deque<std::unique_ptr<Inbox::Entry>> held_work_;
  bool closing_ = false;
  bool stopped_ = false;
  bool memory_short_ = false;  // over the budget until the checkpoint that runs is done
  bool memory_stuck_ = false;  // far over it, and no checkpoint can help
  bool disk_full_ = false;     // the log has no room, and there is no space for more
  bool stuck_ = false;         // a fact larger than we provide for has met that: it waits unwritten
  std::uint64_t memory_refusals_ = 0;
  Duration monotonic_{0};
  Duration room_retry_at_{0};   // 0: not tried since there was room
  Duration flush_retry_at_{0};  // when stuck
  Duration last_write_at_{0};
  Duration foreign_deadline_ = Duration::max();
};

}  // namespace ingot::partition
