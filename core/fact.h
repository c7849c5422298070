#pragma once

// Facts: what a partition's commit log records, one struct a kind. A fact is a stamped input: time,
// identities and randomness were decided at intake, so that applying it is deterministic.
//
// All texts are views into the bytes that the fact was decoded from, or into what its maker holds.
// Positions are the log's and not part of the bytes.

#include <ingot/history_event.h>
#include <ingot/ids.h>
#include <ingot/time.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace ingot {

// The request id of a fact that a client asked for: 0, or one that the partition remembers so that
// the same request is not carried out again.

// A client started an instance. `started` is the encoded ExecutionStarted event. It may replace one
// of the same id: `replaced` is the status that that one has; if it is alive, `replaced_sequence`
// names it, and it is terminated first.
struct InstanceCreated {
  std::uint64_t request_id = 0;
  std::optional<RuntimeStatus> replaced;
  SequenceNumber replaced_sequence;
  std::string_view started;
};

// A client's message for a live instance, as encoded event: EventRaised, ExecutionTerminated,
// ExecutionSuspended, ExecutionResumed, EntityOperationSignaled, EntityUnlockSent.
struct MessageDelivered {
  SequenceNumber sequence;
  std::uint64_t request_id = 0;
  std::string_view event;
};

// An activity ended: an encoded TaskCompleted or TaskFailed event.
struct ActivityCompleted {
  SequenceNumber sequence;
  std::uint32_t generation = 0;  // of the execution that scheduled it
  std::string_view event;
};

// A durable timer is due. kScheduledStartTimer is the start of an instance scheduled for later.
struct TimerFired {
  SequenceNumber sequence;
  std::uint32_t generation = 0;
  std::int32_t timer_id = 0;
};
inline constexpr std::int32_t kScheduledStartTimer = -1;

// An orchestrator consumed the first `consumed` messages of its inbox and produced `actions`. When
// these end with ContinueAsNew, `next_execution_id` is set, and the new execution gets `carry_over`
// behind its start.
struct StepCompleted {
  SequenceNumber sequence;
  std::uint32_t generation = 0;
  std::uint32_t consumed = 0;
  bool has_custom_status = false;
  std::string_view custom_status;
  std::string_view actions;  // encoded events
  ExecutionId next_execution_id;
  std::string_view carry_over;  // encoded events
};

// The next message of the channel from partition `origin`, for the live instance or entity `target`
// (0: there is none; an ExecutionStarted then creates it, anything else is dropped but counted).
// `replaced` is the status of the finished instance whose id a created one takes over.
struct PeerMessageReceived {
  PartitionId origin;
  std::uint64_t channel_position = 0;
  SequenceNumber target;
  std::optional<RuntimeStatus> replaced;
  std::string_view event;
};

// Partition `destination` holds our messages up to `channel_position` durably.
struct OutboxConfirmed {
  PartitionId destination;
  std::uint64_t channel_position = 0;
};

// An entity came into being, because a message for it follows.
struct EntityCreated {
  std::string_view id;
};

// What a batch of operations does to an entity's state.
enum class StateChange : std::uint8_t { unchanged, set, deleted };

// An entity carried out the first `consumed` operations of its inbox. `actions` are encoded events:
// answers to the callers, signals to entities, starts of orchestrations.
struct EntityStepCompleted {
  SequenceNumber sequence;
  std::uint32_t consumed = 0;
  StateChange change = StateChange::unchanged;
  std::string_view entity_state;  // when set
  std::string_view actions;
};

// A finished instance is forgotten; or, with `sequence`, an entity that is empty and idle.
struct InstancePurged {
  std::uint64_t request_id = 0;
  std::string_view id;
  RuntimeStatus status = RuntimeStatus::completed;  // that it ended with
  SequenceNumber sequence;
};

// The failed instance `old` lives again. `row` is the instance as it goes on (partition/FORMAT.md):
// its history without the failures, and with a sequence number of its own.
struct InstanceRewound {
  std::uint64_t request_id = 0;
  SequenceNumber old;
  std::string_view row;
};

// The next message of the channel from partition `origin` asked a child to rewind that has nothing
// to rewind: it ended otherwise, or is not there. The instance `parent` gets the child's answer
// (again): `answer` is an encoded SubOrchestrationInstanceCompleted or -Failed event.
struct ChildAnswered {
  PartitionId origin;
  std::uint64_t channel_position = 0;
  std::string_view parent;
  std::string_view answer;
};

using FactBody = std::variant<InstanceCreated, MessageDelivered, ActivityCompleted, TimerFired,
                              StepCompleted, PeerMessageReceived, OutboxConfirmed, EntityCreated,
                              EntityStepCompleted, InstancePurged, InstanceRewound, ChildAnswered>;

struct Fact {
  Timestamp at;
  FactBody body;
};

}  // namespace ingot
