#pragma once

// Facts: what a partition's commit log records, one struct a kind. A fact is a stamped input: time,
// identities and randomness were decided at intake, so that applying it is deterministic.
//
// All texts are views into the bytes that the fact was decoded from, or into what its maker holds.
// Positions are the log's and not part of the bytes.

#include <ingot/ids.h>
#include <ingot/time.h>

#include <cstdint>
#include <string_view>
#include <variant>

namespace ingot {

// A client started an instance. `started` is the encoded ExecutionStarted event.
struct InstanceCreated {
  std::uint64_t request_id = 0;
  std::string_view started;
};

// A client's message (EventRaised, ExecutionTerminated) for a live instance, as encoded event.
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

// An orchestrator consumed the first `consumed` messages of its inbox and produced `actions`.
struct StepCompleted {
  SequenceNumber sequence;
  std::uint32_t generation = 0;
  std::uint32_t consumed = 0;
  bool has_custom_status = false;
  std::string_view custom_status;
  std::string_view actions;  // encoded events
};

// The next message of the channel from partition `origin`, for the live instance `target`
// (0: there is none, the message is dropped but counted).
struct PeerMessageReceived {
  PartitionId origin;
  std::uint64_t channel_position = 0;
  SequenceNumber target;
  std::string_view event;
};

// Partition `destination` holds our messages up to `channel_position` durably.
struct OutboxConfirmed {
  PartitionId destination;
  std::uint64_t channel_position = 0;
};

using FactBody = std::variant<InstanceCreated, MessageDelivered, ActivityCompleted, TimerFired,
                              StepCompleted, PeerMessageReceived, OutboxConfirmed>;

struct Fact {
  Timestamp at;
  FactBody body;
};

}  // namespace ingot
