#include "bench/options.h"

#include <algorithm>
#include <thread>

namespace ingot::bench {

HubOptions hub_options(const BenchOptions& options) {
  HubOptions hub;
  hub.mode = options.resume ? OpenMode::open_existing : OpenMode::create_new;
  hub.partitions = options.partitions;
  hub.shards = options.shards;
  hub.io = options.io;
  hub.persist_steps_first = options.persist_first;
  if (options.memory_mib != 0) hub.memory_bytes = options.memory_mib << 20;
  if (options.segment_mib != 0) hub.segment_bytes = options.segment_mib << 20;
  if (options.checkpoint_mib != 0) hub.checkpoint_log_bytes = options.checkpoint_mib << 20;
  if (options.checkpoint_facts != 0) hub.checkpoint_facts = options.checkpoint_facts;
  hub.log_bytes_max = std::max(hub.log_bytes_max, 2 * hub.checkpoint_log_bytes);
  if (options.log_mib_max != 0) hub.log_bytes_max = options.log_mib_max << 20;
  hub.payload_bytes_max = std::max(hub.payload_bytes_max, options.bytes + 1024);
  hub.activity_threads = std::clamp(std::thread::hardware_concurrency(), 1U, 1024U);
  return hub;
}

}  // namespace ingot::bench
