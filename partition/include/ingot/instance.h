#pragma once

// What a client sees of an orchestration instance.

#include <ingot/history_event.h>
#include <ingot/ids.h>
#include <ingot/time.h>

#include <optional>
#include <string>
#include <vector>

namespace ingot {

struct InstanceState {
  std::string instance_id;
  ExecutionId execution_id;
  std::string name;  // of the orchestrator
  RuntimeStatus status = RuntimeStatus::pending;
  Timestamp created_at;
  Timestamp last_updated_at;
  std::optional<Timestamp> completed_at;
  std::optional<std::string> input;
  std::optional<std::string> output;
  std::optional<std::string> custom_status;
  std::optional<FailureDetails> failure;  // when Failed
};

struct InstanceQuery {
  std::string prefix;                     // of the instance id; empty: all
  std::vector<RuntimeStatus> statuses;    // empty: any
  std::optional<Timestamp> created_from;  // inclusive
  std::optional<Timestamp> created_to;    // exclusive
  bool with_payloads = true;              // input, output, custom status and failure
  std::uint32_t page_size = 100;          // 1 to 1,000
  std::string continuation_token;         // of the page before; empty: the first page
};

struct InstancePage {
  std::vector<InstanceState> instances;  // by id, in ascending byte order
  std::string continuation_token;        // empty: this was the last page
};

}  // namespace ingot
