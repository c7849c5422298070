#pragma once

// The options of a task hub: each with its unit, default and bounds. TaskHub::open() refuses a
// value outside its bounds with `invalid_argument` that names the option.

#include <ingot/time.h>

#include <cstdint>
#include <string>

namespace ingot {

enum class LogIo : std::uint8_t { automatic, uring, pwritev2 };

enum class OpenMode : std::uint8_t {
  open_or_create,  // create the hub when the folder is missing or empty
  open_existing,   // `not_found` unless the folder holds a hub
  create_new,      // `already_exists` if the folder holds a hub
};

struct HubOptions {
  OpenMode mode = OpenMode::open_or_create;

  // Fixed when the hub is created; 0 takes the existing hub's count, or 4 for a new one. 1 to 64.
  // A count that differs from the existing hub's is `failed_precondition`.
  std::uint32_t partitions = 0;
  // Threads that run the partitions; 0 takes the smaller of the partitions and the processors.
  std::uint32_t shards = 0;
  // Threads of activities that are not inline. 1 to 1024.
  std::uint32_t activity_threads = 4;

  LogIo io = LogIo::automatic;
  // Orchestrator steps and activities wait until their cause is durable. Otherwise they may start
  // before; what leaves the hub waits in either case.
  bool persist_steps_first = false;
  // Offer orchestrations and activities whose name is not registered to TaskHub::work_items().
  // Otherwise starting one is `not_found`.
  bool foreign_work = false;
  // How long a locked work item stays with a foreign worker before it is offered again.
  // 100 ms to 1 day.
  Duration work_item_timeout = std::chrono::minutes(5);

  // Finished instances are forgotten when they are older than this, in the background and at a
  // bounded rate; their sub-orchestrations in their own time. 0: never.
  Duration retention{0};

  // Work items of a kind that foreign workers have at a time; the others wait. 0: no limit. (Of the
  // program's own activities, `activity_threads` run at a time; orchestrators and entities run on
  // the shards, one at a time on each.)
  std::uint32_t orchestration_work_items_max = 0;
  std::uint32_t entity_work_items_max = 0;
  std::uint32_t activity_work_items_max = 0;
  // An activity that runs longer fails as "ActivityTimeout", and what it still gives is ignored;
  // not for inline activities. 0: no limit; else 1 ms to 1 day.
  Duration activity_timeout{0};
  // An orchestrator whose step takes longer fails as "OrchestratorStepTimeout": the program's own
  // when it comes back, a foreign one's then. 0: no limit; else 1 ms to 1 day.
  Duration orchestrator_step_timeout{0};
  // Keep an orchestrator's coroutine between its steps, until it has had nothing to do for so long.
  // Otherwise it is rebuilt from its history for each step. 1 ms to 1 day.
  bool extended_sessions = true;
  Duration extended_session_idle_timeout = std::chrono::minutes(5);

  // Operations of one entity that are carried out and committed together. 1 to 1,048,576.
  std::uint32_t entity_batch_operations_max = 5000;

  // Memory for the instances and buffers of the whole hub. At least 16 MiB.
  std::uint64_t memory_bytes = 1ULL << 30;
  // Requests that a partition's inbox holds before it answers `overloaded`. 64 to 1,048,576.
  std::uint32_t inbox_requests_max = 32768;
  // Payload bytes (input, output, event data) of one request or action. 1 KiB to 64 MiB.
  std::uint64_t payload_bytes_max = 8ULL << 20;

  // Bytes of a log segment file: 1 MiB to 1 GiB, a multiple of 1 MiB.
  std::uint64_t segment_bytes = 64ULL << 20;
  // Payload bytes of one log write: 64 KiB to 16 MiB.
  std::uint64_t batch_bytes_max = 1ULL << 20;

  // A partition takes a checkpoint after so many log bytes, so many facts, or when it has been idle
  // this long with anything new. 1 MiB to 16 GiB; at least 1,000; 10 ms to 1 day.
  std::uint64_t checkpoint_log_bytes = 64ULL << 20;
  std::uint64_t checkpoint_facts = 2'000'000;
  Duration checkpoint_idle = std::chrono::seconds(60);
  // Log bytes past the last checkpoint at which a partition stops taking requests until the next
  // one is done: bounds recovery. At least twice checkpoint_log_bytes.
  std::uint64_t log_bytes_max = 1ULL << 30;

  // Checks every fact's effect on a decoded copy of the state: for tests, very slow.
  bool replay_checker = false;
};

}  // namespace ingot
