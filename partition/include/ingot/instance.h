#pragma once

// What a client sees of orchestration instances and entities, and how it asks for many of them.

#include <ingot/entity_id.h>
#include <ingot/history_event.h>
#include <ingot/ids.h>
#include <ingot/time.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ingot {

struct InstanceState {
  std::string instance_id;
  ExecutionId execution_id;
  std::string name;  // of the orchestrator
  std::string version;
  RuntimeStatus status = RuntimeStatus::pending;
  Timestamp created_at;
  Timestamp last_updated_at;
  std::optional<Timestamp> completed_at;
  std::optional<Timestamp> scheduled_start;       // as it was asked for
  std::optional<std::string> parent_instance_id;  // of a sub-orchestration
  std::vector<std::pair<std::string, std::string>> tags;
  std::string trace_parent;
  // The payloads:
  std::optional<std::string> input;
  std::optional<std::string> output;
  std::optional<std::string> custom_status;
  std::optional<FailureDetails> failure;  // when Failed
};

// Which instances: those that meet all of it. Entities are never among them.
struct InstanceFilter {
  std::string prefix;                       // of the instance id; empty: all
  std::vector<RuntimeStatus> statuses;      // empty: any
  std::vector<std::string> names;           // of orchestrators; empty: any
  std::optional<Timestamp> created_from;    // inclusive
  std::optional<Timestamp> created_to;      // exclusive
  std::optional<Timestamp> completed_from;  // inclusive; only what has ended
  std::optional<Timestamp> completed_to;    // exclusive; only what has ended
};

struct InstanceQuery : InstanceFilter {
  bool with_payloads = true;       // input, output, custom status and failure
  bool descending = false;         // the highest ids first
  std::uint32_t page_size = 100;   // 1 to 1,000
  std::string continuation_token;  // of the page before; empty: the first page
};

struct InstancePage {
  std::vector<InstanceState> instances;  // by id, in byte order
  std::string continuation_token;        // empty: this was the last page
};

// Ids of finished instances in the order of their completion (time, then id).
struct InstanceIdQuery {
  std::vector<RuntimeStatus> statuses;      // terminal ones; empty: any
  std::optional<Timestamp> completed_from;  // inclusive
  std::optional<Timestamp> completed_to;    // exclusive
  std::uint32_t page_size = 100;            // 1 to 1,000
  std::string continuation_token;
};

struct InstanceIdPage {
  std::vector<std::string> ids;
  std::string continuation_token;  // empty: this was the last page
};

// How many orchestrations there are, finished ones included.
struct InstanceCounts {
  std::array<std::uint64_t, kRuntimeStatusMax + 1> by_status{};
  std::uint64_t entities = 0;  // with and without state

  [[nodiscard]] std::uint64_t operator[](RuntimeStatus status) const {
    return by_status[static_cast<std::size_t>(status)];
  }
};

// What purge_instances() forgets. Of what matches, only finished instances are purged.
struct PurgeFilter : InstanceFilter {
  bool recursive = false;  // with their finished sub-orchestrations
};

struct PurgeResult {
  std::uint64_t purged = 0;
  bool complete = false;  // false: the time-out came first, and more may match
};

struct EntityState {
  EntityId id;
  std::optional<std::string> state;  // absent: it has none, or was not asked for
  bool has_state = false;
  std::string locked_by;  // the instance that holds its lock; empty: none
  std::uint32_t queued_operations = 0;
  Timestamp created_at;
  Timestamp last_updated_at;
};

struct EntityQuery {
  // Of the instance id "@name@key": "@counter@" is all counters. A first '@' may be left out, and
  // the name may be in upper case. Empty: all.
  std::string prefix;
  std::optional<Timestamp> updated_from;  // inclusive
  std::optional<Timestamp> updated_to;    // exclusive
  bool include_state = true;
  bool include_transient = false;  // also those without state
  std::uint32_t page_size = 100;   // 1 to 1,000
  std::string continuation_token;
};

struct EntityPage {
  std::vector<EntityState> entities;  // by id, in byte order
  std::string continuation_token;     // empty: this was the last page
};

struct EntityCleanup {
  std::uint64_t empty_entities_removed = 0;
  std::uint64_t orphaned_locks_released = 0;
};

}  // namespace ingot
