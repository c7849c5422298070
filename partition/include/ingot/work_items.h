#pragma once

// WorkItems: the lower interface, for a foreign runtime that drives orchestrations itself.
//
// With HubOptions::foreign_work, orchestrations, entities and activities whose names are not
// registered wait here. A worker locks one, does the work and completes or abandons it. A lock ends
// by itself after HubOptions::work_item_timeout; the item is then offered again. The old token is
// honoured until someone else has locked the item, and stale from then on. Completing with a stale
// or unknown token is accepted and ignored, because completion is at least once. Any thread.
//
// A program with few workers calls lock_*(), which waits. A server subscribes a WorkReceiver for
// each of its workers, which is given items as they come and as it has room for them, and completes
// them with the `_async` calls; no thread waits.

#include <ingot/history_event.h>
#include <ingot/status.h>
#include <ingot/time.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ingot {

enum class WorkKind : std::uint8_t { orchestration, entity, activity };

// Names one lock of one work item. Opaque to workers.
struct WorkItemToken {
  std::uint32_t partition = 0;
  std::uint64_t sequence = 0;
  std::uint64_t lock = 0;
  std::int32_t task_id = -1;

  bool operator==(const WorkItemToken&) const = default;
};

struct OrchestrationWorkItem {
  WorkItemToken token;
  std::string instance_id;
  ExecutionId execution_id;
  std::string name;
  std::vector<HistoryEvent> history;     // committed
  std::vector<HistoryEvent> new_events;  // begins with OrchestratorStarted
};

struct ActivityWorkItem {
  WorkItemToken token;
  std::string instance_id;
  ExecutionId execution_id;
  std::int32_t task_id = -1;
  std::string name;
  std::optional<std::string> input;
  std::string version;
  std::string trace_parent;
  std::vector<std::pair<std::string, std::string>> tags;
};

// Operations of an entity that are to be carried out in their order, as the messages that they are:
// EntityOperationSignaled and EntityOperationCalled (<ingot/history_event.h>).
struct EntityWorkItem {
  WorkItemToken token;
  std::string instance_id;           // "@name@key"
  std::optional<std::string> state;  // absent: the entity has none
  std::vector<HistoryEvent> operations;
};

// Actions are the history events that they become: TaskScheduled, TimerCreated, EventSent,
// SubOrchestrationInstanceCreated, the entity kinds, ExecutionCompleted, ContinueAsNew; and
// ExecutionTerminated, which ends the other instance that it names and leaves nothing in the
// history. Event ids must be fresh in the execution, or of what has ended (a retry); those of a
// completion are corrected. Timestamps are ignored. A child without an id gets one. An
// OrchestratorStarted among them names no action: its trace_parent (at most 1 KiB) is kept with the
// step's own, and so comes back with the history.
struct OrchestrationOutcome {
  std::vector<HistoryEvent> actions;
  std::optional<std::string> custom_status;  // absent: keep the old one
  // With ContinueAsNew: EventRaised and other unasked messages that the new execution gets.
  std::vector<HistoryEvent> carry_over;
  // How many of the work item's messages the step has taken, at least one (OrchestratorStarted is
  // none of them); the rest come again.
  std::uint32_t messages_max = std::numeric_limits<std::uint32_t>::max();
};

// `actions` are EntityOperationCompleted and -Failed (for calls: instance_id, execution_id and
// scheduled_id of the caller), EntityOperationSignaled (instance_id: the target) and
// ExecutionStarted (name, instance_id, data; the execution id is made).
struct EntityOutcome {
  std::optional<std::string> state;  // absent: deleted
  std::vector<HistoryEvent> actions;
  // How many of the work item's operations were carried out; the rest come again.
  std::uint32_t operations_max = std::numeric_limits<std::uint32_t>::max();
};

struct WorkName {
  std::string name;  // of an entity: in lower case
  // Empty: any. An activity without a version is matched by that of its orchestration.
  std::vector<std::string> versions;
};

// Which items a receiver takes; an absent category is all of it, an empty one nothing.
struct WorkFilter {
  std::optional<std::vector<WorkName>> orchestrations;
  std::optional<std::vector<WorkName>> entities;
  std::optional<std::vector<WorkName>> activities;
};

// One who is given items. Receivers that take the same items get them in turn. The first two are
// called under a lock of the hub: they must be short and call nothing of the hub. take() is called
// on a shard's thread and must be short too.
class WorkReceiver {
 public:
  virtual ~WorkReceiver() = default;
  // Whether there is room for one more item of the kind, which is then set aside for it. After a
  // `false` it is not asked for that kind again until WorkItems::ready().
  virtual bool reserve(WorkKind kind) = 0;
  // What the room was for has gone: it is free again.
  virtual void unreserve(WorkKind kind) = 0;
  virtual void take(OrchestrationWorkItem item) = 0;
  virtual void take(EntityWorkItem item) = 0;
  virtual void take(ActivityWorkItem item) = 0;
  // The hub closes: no item comes any more. Not under the lock.
  virtual void closed() = 0;
};
using SubscriptionId = std::uint64_t;

class WorkItems {
 public:
  using DoneFn = std::function<void(Status)>;

  virtual ~WorkItems() = default;

  // From now on `receiver` is given items. The hub keeps it as long as it may call it.
  virtual SubscriptionId subscribe(std::shared_ptr<WorkReceiver> receiver, WorkFilter filter) = 0;
  // The receiver has room again.
  virtual void ready(SubscriptionId id) = 0;
  // No room is reserved any more; an item on its way is offered to others. What the receiver has
  // been given stays locked: see return_item().
  virtual void unsubscribe(SubscriptionId id) = 0;

  // Takes the next item, waiting up to `timeout`. timed_out, cancelled (the hub closes).
  virtual Result<OrchestrationWorkItem> lock_orchestration(Duration timeout) = 0;
  virtual Result<ActivityWorkItem> lock_activity(Duration timeout) = 0;
  virtual Result<EntityWorkItem> lock_entity(Duration timeout) = 0;

  // Commits a step: returns once it is durable. invalid_argument names the action that can't be
  // taken; the item stays locked then. A stale token is ok and ignored.
  virtual Status complete_orchestration(const WorkItemToken& token,
                                        const OrchestrationOutcome& outcome) = 0;
  virtual Status complete_entity(const WorkItemToken& token, const EntityOutcome& outcome) = 0;
  virtual Status complete_activity(const WorkItemToken& token,
                                   const std::optional<std::string>& result) = 0;
  virtual Status fail_activity(const WorkItemToken& token, const FailureDetails& failure) = 0;
  // The same without waiting: `done` is called once, on a shard's thread or on this one.
  virtual void complete_orchestration_async(const WorkItemToken& token,
                                            OrchestrationOutcome outcome, DoneFn done) = 0;
  virtual void complete_entity_async(const WorkItemToken& token, EntityOutcome outcome,
                                     DoneFn done) = 0;
  virtual void complete_activity_async(const WorkItemToken& token,
                                       std::optional<std::string> result, DoneFn done) = 0;
  virtual void fail_activity_async(const WorkItemToken& token, FailureDetails failure,
                                   DoneFn done) = 0;
  // Offers the item again, of whatever kind, because its worker may be gone. The token is honoured
  // until another one has locked it.
  virtual void return_item(const WorkItemToken& token) = 0;
  // Gives the item back: it is offered again at once, and the token is stale.
  virtual void abandon_async(const WorkItemToken& token, DoneFn done) = 0;
  virtual Status abandon_orchestration(const WorkItemToken& token) = 0;
  virtual Status abandon_activity(const WorkItemToken& token) = 0;
  virtual Status abandon_entity(const WorkItemToken& token) = 0;
};

}  // namespace ingot
