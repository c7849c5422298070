#pragma once

// How an orchestrator's calls can differ from the plain ones.

#include <ingot/history_event.h>
#include <ingot/time.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ingot {

// When a failed activity or sub-orchestration is tried again: after `first_interval`, then each
// time `backoff_coefficient` times as late, but never later than `interval_max`.
struct RetryPolicy {
  std::int32_t attempts_max = 3;       // the first one counts; below 1 means 1
  Duration first_interval{1'000'000};  // us
  double backoff_coefficient = 1.0;    // below 1 means 1
  Duration interval_max{0};            // us; 0: no limit
  Duration total_timeout{0};  // us; no attempt starts this long after the first; 0: no limit
  // Asked before each retry; must be deterministic. Empty: every failure is retried, unless it is
  // marked non-retriable.
  std::function<bool(const FailureDetails&)> retry_if;
};

struct ActivityCallOptions {
  std::string version;
  std::vector<std::pair<std::string, std::string>> tags;
  std::optional<RetryPolicy> retry;
};

struct SubOrchestrationOptions {
  std::string instance_id;  // empty: derived from the caller's execution; a retry uses the same
  std::string version;
  std::vector<std::pair<std::string, std::string>> tags;  // all that the child has, nothing is
                                                          // inherited
  std::optional<RetryPolicy> retry;
};

}  // namespace ingot
