#pragma once

// TaskHub: a folder of partitions, opened. The entry to Ingot.
//
//   ingot::Registry registry;
//   registry.add_activity(...); registry.add_orchestrator(...);
//   auto hub = ingot::TaskHub::open("/var/lib/app/hub", registry);
//   auto id = (*hub)->client().schedule_new_orchestration("hello");

#include <ingot/client.h>
#include <ingot/hub_options.h>
#include <ingot/registry.h>
#include <ingot/status.h>
#include <ingot/work_items.h>

#include <memory>
#include <string>
#include <vector>

namespace ingot {

struct PartitionMetrics {
  std::uint32_t partition = 0;
  Status failure;                    // why it stopped; ok while it runs
  std::uint64_t facts = 0;           // since opening
  std::uint64_t history_events = 0;  // written since opening
  std::uint64_t instances_live = 0;  // orchestrations that have not ended
  std::uint64_t entities = 0;
  std::uint64_t instances_resident = 0;        // live ones in memory
  std::uint64_t orchestrations_completed = 0;  // since opening
  std::uint64_t durable_position = 0;
  std::uint64_t checkpoint_position = 0;
  std::uint64_t log_bytes = 0;  // written since opening, padding included
  std::uint64_t log_payload_bytes = 0;
  std::uint64_t log_writes = 0;
  std::uint64_t checkpoints = 0;  // since opening
  std::uint64_t checkpoint_rows = 0;
  Duration checkpoint_age{0};          // since the last one, or since opening
  std::uint64_t log_tail_bytes = 0;    // payload since the last one: bounded by log_bytes_max
  std::uint64_t memory_bytes = 0;      // estimate
  std::uint64_t inbox_requests = 0;    // of clients, taken and not handled yet
  std::uint64_t requests_refused = 0;  // as `overloaded`, since opening
};

struct HubMetrics {
  std::string io_backend;  // "uring" or "pwritev2"
  std::vector<PartitionMetrics> partitions;
  double checkpoint_stall_us_p999 = 0;  // added to one turn of a shard's loop by a checkpoint
  double checkpoint_stall_us_max = 0;
  // What opening replayed.
  std::uint64_t recovery_facts = 0;
  std::uint64_t recovery_bytes = 0;
  double recovery_seconds = 0;
};

class TaskHub {
 public:
  // Opens or creates the hub in `path`, recovers it and starts its threads. The registry is copied.
  // Errors: invalid_argument (option), not_found or already_exists (mode), failed_precondition (a
  // folder that is not a hub, another partition count), busy (who has it open), unsupported (format
  // version, io backend), corrupt (file, offset, position or key), disk_full, io_error.
  [[nodiscard]] static Result<std::unique_ptr<TaskHub>> open(const std::string& path,
                                                             const Registry& registry,
                                                             const HubOptions& options = {});
  virtual ~TaskHub() = default;  // as close()

  [[nodiscard]] virtual Client& client() = 0;
  [[nodiscard]] virtual WorkItems& work_items() = 0;

  // Takes a checkpoint of every partition and returns when they are durable.
  virtual Status checkpoint() = 0;
  // Stops taking requests, ends waits with `cancelled`, flushes what was taken and closes the hub.
  // Running orchestrations go on when it is opened again. Not from a callback.
  virtual Status close() = 0;
  [[nodiscard]] virtual HubMetrics metrics() = 0;
};

}  // namespace ingot
