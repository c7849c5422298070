#pragma once

// The history of an orchestration: what happened to it, in order.
//
// The kinds and their meaning are Durable Task's. One flat struct holds them all; the table says
// which fields a kind uses (the rest keep their defaults):
//
//   ExecutionStarted                name, data (input), instance_id, execution_id, parent, fire_at
//                                   (the scheduled start, if any), version, tags, trace_parent
//   OrchestratorStarted             timestamp only
//   TaskScheduled                   event_id, name, data (input), version, tags, trace_parent
//   TaskCompleted                   scheduled_id, data (result)
//   TaskFailed                      scheduled_id, failure
//   TimerCreated                    event_id, fire_at
//   TimerFired                      scheduled_id, fire_at
//   SubOrchestrationInstanceCreated event_id, name, instance_id (child), data (input), version,
//   tags,
//                                   trace_parent
//   SubOrchestrationInstanceCompleted  scheduled_id, data (result)
//   SubOrchestrationInstanceFailed  scheduled_id, failure
//   EventSent                       event_id, instance_id (target), name, data
//   EventRaised                     name, data
//   ExecutionTerminated             data (reason), recurse
//   ExecutionCompleted              event_id, status, data (output), failure
//   ContinueAsNew                   event_id, data (input)
//   ExecutionSuspended, -Resumed    data (reason)
//   EntityOperationSignaled         event_id, instance_id (entity), name (operation), data, fire_at
//                                   (when it is due, if scheduled), trace_parent
//   EntityOperationCalled           event_id, instance_id (entity), name (operation), data,
//                                   trace_parent
//   EntityOperationCompleted        scheduled_id, data (result)
//   EntityOperationFailed           scheduled_id, failure
//   EntityLockRequested             event_id, lock_set
//   EntityLockGranted               scheduled_id
//   EntityUnlockSent                event_id, instance_id (entity), scheduled_id (the lock
//                                   request's)
//   ExecutionRewound                data (reason)
//
// A trace_parent is a W3C traceparent, and behind a line feed the tracestate, if there is one.
// Operations and lock requests of a foreign runtime carry its request_id, also as messages.
//
// Events that come from an orchestrator's action carry its id in `event_id`; all others carry -1.
//
// What goes to an entity is not in the sender's history alone, it is also a message in the entity's
// inbox. There event_id is -1, instance_id and execution_id are the sender's (empty: a client's),
// and scheduled_id is the sender's action: of EntityOperationCalled and EntityLockRequested their
// own, of EntityUnlockSent the lock request's. Answers on their way (of children, entities and
// locks) carry the execution that they are for in execution_id, and what an entity's batch produces
// carries in instance_id whom it is for.

#include <ingot/ids.h>
#include <ingot/time.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ingot {

// The numbers are part of the formats.
enum class HistoryEventKind : std::uint8_t {
  execution_started = 1,
  execution_completed = 2,
  execution_terminated = 3,
  task_scheduled = 4,
  task_completed = 5,
  task_failed = 6,
  sub_orchestration_created = 7,
  sub_orchestration_completed = 8,
  sub_orchestration_failed = 9,
  timer_created = 10,
  timer_fired = 11,
  orchestrator_started = 12,
  event_sent = 13,
  event_raised = 14,
  continue_as_new = 15,
  execution_suspended = 16,
  execution_resumed = 17,
  entity_operation_signaled = 18,
  entity_operation_called = 19,
  entity_operation_completed = 20,
  entity_operation_failed = 21,
  entity_lock_requested = 22,
  entity_lock_granted = 23,
  entity_unlock_sent = 24,
  execution_rewound = 25,
};
inline constexpr std::uint8_t kHistoryEventKindMax = 25;

// Durable Task's name, e.g. "TaskScheduled".
[[nodiscard]] std::string_view to_string(HistoryEventKind kind);

// The numbers are part of the formats.
enum class RuntimeStatus : std::uint8_t {
  pending = 0,
  running = 1,
  completed = 2,
  failed = 3,
  terminated = 4,
  suspended = 5,
  continued_as_new = 6,
};
inline constexpr std::uint8_t kRuntimeStatusMax = 6;

[[nodiscard]] std::string_view to_string(RuntimeStatus status);  // e.g. "Running"
[[nodiscard]] std::optional<RuntimeStatus> parse_runtime_status(std::string_view text);
// Completed, Failed or Terminated: nothing acts on the instance any more.
[[nodiscard]] constexpr bool is_terminal(RuntimeStatus status) {
  return status == RuntimeStatus::completed || status == RuntimeStatus::failed ||
         status == RuntimeStatus::terminated;
}

// Why an activity or orchestration failed. Never an exception object: it has to be stored.
struct FailureDetails {
  std::string type;  // e.g. "std::runtime_error", or what the activity chose
  std::string message;
  bool non_retriable = false;         // no retry policy applies
  std::vector<FailureDetails> inner;  // at most one, nested at most kInnerFailuresMax deep
  std::string stack_trace = {};       // empty: none
  std::string properties = {};        // what else a foreign runtime says, in its own encoding

  bool operator==(const FailureDetails&) const = default;
};
inline constexpr std::size_t kInnerFailuresMax = 16;

// The orchestration that waits for this one.
struct ParentInfo {
  std::string name;
  std::string instance_id;
  ExecutionId execution_id;
  std::int32_t scheduled_id = -1;

  bool operator==(const ParentInfo&) const = default;
};

struct HistoryEvent {
  HistoryEventKind kind = HistoryEventKind::orchestrator_started;
  std::int32_t event_id = -1;
  Timestamp timestamp;
  std::string name;
  std::optional<std::string> data;  // absent and empty differ
  std::int32_t scheduled_id = -1;
  std::optional<Timestamp> fire_at;
  std::string instance_id;
  ExecutionId execution_id;
  RuntimeStatus status = RuntimeStatus::pending;
  bool recurse = false;
  std::optional<FailureDetails> failure;
  std::optional<ParentInfo> parent;
  std::string version;
  std::string trace_parent;
  std::vector<std::pair<std::string, std::string>> tags;
  std::vector<std::string> lock_set;  // ids of entities, in the order of their bytes, each once
  std::string request_id;             // a foreign runtime's own name of what it asks for; not read

  bool operator==(const HistoryEvent&) const = default;
};

}  // namespace ingot
