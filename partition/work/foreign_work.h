#pragma once

// ForeignWork: the partition's side of work items: what is offered, locked, completed, given back.
//
// Invariants:
//   - an orchestration or activity is offered once at a time: on the board, or locked, or neither;
//   - only the token of the present lock acts; any other is accepted and ignored;
//   - a worker sees an item only after its cause is durable;
//   - an activity stays with its worker when the execution that scheduled it ends.

#include <compare>
#include <map>
#include <utility>

#include "core/effect.h"
#include "core/random.h"
#include "partition/shard/effect_gate.h"
#include "partition/shard/environment.h"
#include "partition/shard/recorder.h"
#include "partition/state/partition_state.h"
#include "partition/work/scheduled_activity.h"
#include "partition/work/session.h"

namespace ingot::partition {

class ForeignWork {
 public:
  ForeignWork(const Environment& environment, PartitionState& state, Recorder& recorder,
              EffectGate& gate, Sessions& sessions, std::uint64_t seed)
      : environment_(environment),
        state_(state),
        recorder_(recorder),
        gate_(gate),
        sessions_(sessions),
        random_(seed) {}

  void offer_orchestration(const Instance& instance, Session& session);
  void offer_entity(const Instance& instance);
  // `scheduled` is its TaskScheduled event, at `history_offset` of the instance that waits for it.
  void offer_activity(const TaskKey& task, const HistoryEventView& scheduled,
                      std::uint64_t history_offset);

  void take(LockOrchestrationRequest& request, Duration monotonic);
  void take(LockEntityRequest& request, Duration monotonic);
  void take(LockActivityRequest& request, Duration monotonic);
  void take(CompleteOrchestrationRequest& request);
  void take(CompleteEntityRequest& request);
  void take(CompleteActivityRequest& request);
  void take(AbandonRequest& request);

  // Offers again, or fails, what was locked for too long. Returns the next deadline, or max().
  Duration expire(Duration monotonic);
  // The instance has ended: its step's lock with it.
  void forget(Session& session);
  // The partition has stopped: what is locked counts no more. After the gate has failed.
  void release_all();

 private:
  struct Held {
    SequenceNumber sequence;
    std::int32_t task_id = -1;
    bool fails = false;  // when its time is over; else it is offered again
    WorkKind kind = WorkKind::orchestration;
  };

  // In the order of what a token or an offer says.
  struct ActivityPlace {
    SequenceNumber sequence;
    std::int32_t task_id = 0;
    std::uint32_t generation = 0;

    ActivityPlace(SequenceNumber of, std::int32_t task, std::uint32_t in)
        : sequence(of), task_id(task), generation(in) {}
    explicit ActivityPlace(const TaskKey& task)
        : ActivityPlace(task.sequence, task.task_id, task.generation) {}
    auto operator<=>(const ActivityPlace&) const = default;
    [[nodiscard]] bool names(SequenceNumber of, std::int32_t task) const {
      return sequence == of && task_id == task;
    }
    [[nodiscard]] TaskKey task() const { return {sequence, generation, task_id}; }
  };

  // What a token names, if its lock still holds.
  struct Locked {
    WorkLock* lock = nullptr;
    Session* session = nullptr;          // of an orchestration or entity
    const Instance* instance = nullptr;  // the same
    TaskKey task;                        // of an activity

    explicit operator bool() const { return lock != nullptr; }
  };

  std::uint64_t lock(SequenceNumber sequence, std::int32_t task_id, WorkKind kind,
                     Duration monotonic, WorkLock& lock);
  // False when the session is offered already, or locked.
  bool mark_offered(Session& session);
  // Puts the offer on the board once its cause is durable.
  void offer(WorkKind kind, WorkOffer offered);
  void offer_activity_again(const TaskKey& task, const HistoryEventView& scheduled);
  // Answers with what was locked once its cause is durable. A failure tells the board that the hold
  // is over; until the answer nothing else does.
  template <typename Done, typename Item>
  void answer_lock(const WorkLock& lock, Done& done, Item item);
  // The hold is over, and counts no more.
  void end_hold(const WorkLock& lock);
  // The same, and the lock is forgotten.
  void release(WorkLock& lock);
  void release_activity(const Locked& held);
  // Drops what is kept for the session's step when it is neither offered nor locked.
  void settle(SequenceNumber sequence);
  // `honoured`: the token counts until the item is locked again.
  void offer_again(const WorkItemToken& token, bool honoured);
  // What the token names took longer than it may.
  void fail(const WorkItemToken& token);
  [[nodiscard]] Locked find_locked(const WorkItemToken& token);
  [[nodiscard]] Locked find_locked(const WorkItemToken& token, WorkKind kind);
  // Locks what was offered of the session: its orchestration or entity. Null when there is nothing
  // to do any more.
  const Instance* lock_offered(SequenceNumber sequence, Duration monotonic, WorkItemToken& token);
  // The outcome's actions as bytes, or what is wrong with them.
  Result<std::string> encode_actions(const OrchestrationOutcome& outcome,
                                     const Instance& instance) const;
  Result<std::string> encode_actions(const EntityOutcome& outcome, const Instance& instance) const;

  const Environment& environment_;
  PartitionState& state_;
  Recorder& recorder_;
  EffectGate& gate_;
  Sessions& sessions_;
  Random random_;  // for execution ids and the first lock id
  std::uint64_t last_lock_ = 0;
  std::map<ActivityPlace, WorkLock> activities_;  // offered or held
  // By deadline and lock id: each hold that is not over.
  std::map<std::pair<Duration, std::uint64_t>, Held> deadlines_;
  std::map<std::uint64_t, bool> unanswered_;  // by lock id: whether the hold is over already
};

}  // namespace ingot::partition
