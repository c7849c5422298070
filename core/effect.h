#pragma once

// Effects: what applying a fact asks the outside to do. One closed variant; the shard performs
// them, at once for local work and behind the effect gate for what leaves the partition. During
// recovery they are discarded, and what is still due is found in the state.

#include <ingot/ids.h>

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

namespace ingot {

// The instance or entity has messages to consume.
struct StepReady {
  SequenceNumber sequence;
};

// An activity is to be run: the TaskScheduled event lies at `history_offset` of the instance's
// history as long as `generation` is its generation.
struct ActivityScheduled {
  SequenceNumber sequence;
  std::uint32_t generation = 0;
  std::int32_t task_id = 0;
  std::uint64_t history_offset = 0;
};

// The instance left Pending.
struct InstanceStarted {
  SequenceNumber sequence;
};

// The instance ended; it is now the immutable `record`, a view until the next fact is applied. An
// entity that was removed has none.
struct InstanceFinished {
  SequenceNumber sequence;
  std::string_view record;
};

// The outbox holds a new message for `destination`.
struct MessageQueued {
  PartitionId destination;
  std::uint64_t channel_position = 0;
};

using Effect =
    std::variant<StepReady, ActivityScheduled, InstanceStarted, InstanceFinished, MessageQueued>;
using Effects = std::vector<Effect>;

}  // namespace ingot
