// What a partition says of itself to those who watch the hub.

#include <algorithm>

#include "partition/shard/partition.h"

namespace ingot::partition {

PartitionMetrics Partition::metrics() const {
  PartitionMetrics m;
  m.partition = state_->partition.value;
  m.failure = recorder_.failure();
  m.facts = state_->applied.value - position_at_open_.value;
  m.history_events = state_->counters.history_events - counters_at_open_.history_events;
  m.instances_live = state_->count(RuntimeStatus::pending) + state_->count(RuntimeStatus::running) +
                     state_->count(RuntimeStatus::suspended);
  m.entities = state_->counters.entities;
  m.instances_resident = state_->instances.size();
  // One that had failed before the opening may have been rewound since.
  const std::uint64_t finished = std::max(state_->counters.finished, counters_at_open_.finished);
  m.orchestrations_completed = finished - counters_at_open_.finished;
  m.durable_position = log_->durable_position().value;
  m.checkpoint_position = store_->position().value;
  const log::LogCounters log = log_->counters();
  m.log_bytes = log.bytes_written;
  m.log_payload_bytes = log.payload_bytes;
  m.log_writes = log.writes;
  m.checkpoints = checkpointer_.checkpoints();
  m.checkpoint_rows = checkpointer_.rows();
  m.checkpoint_age = checkpointer_.age(monotonic_);
  m.log_tail_bytes = checkpointer_.tail_bytes();
  m.memory_bytes = residency_.memory_bytes();
  m.inbox_requests = inbox_.admitted(slot_);
  m.requests_refused = inbox_.overloads(slot_) + memory_refusals_;
  return m;
}

}  // namespace ingot::partition
