#include <ingot/hub_options.h>

#include <string>

#include "partition/hub/hub_core.h"

namespace ingot::partition {
namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kGiB = 1024 * kMiB;

Status out_of_bounds(std::string_view option, std::uint64_t value, std::string_view bounds) {
  return Status(StatusCode::invalid_argument, "HubOptions::" + std::string(option) + " is " +
                                                  std::to_string(value) + "; it must be " +
                                                  std::string(bounds));
}

bool within(std::uint64_t value, std::uint64_t low, std::uint64_t high) {
  return value >= low && value <= high;
}

bool within(Duration value, Duration low, Duration high) { return value >= low && value <= high; }

}  // namespace

Status validate(const HubOptions& o) {
  using std::chrono::hours;
  using std::chrono::milliseconds;
  if (o.partitions > 64) return out_of_bounds("partitions", o.partitions, "0 to 64");
  if (o.shards > 64) return out_of_bounds("shards", o.shards, "0 to 64");
  if (!within(o.activity_threads, 1, 1024)) {
    return out_of_bounds("activity_threads", o.activity_threads, "1 to 1,024");
  }
  if (!within(o.work_item_timeout, milliseconds(100), hours(24))) {
    return out_of_bounds("work_item_timeout",
                         static_cast<std::uint64_t>(o.work_item_timeout.count()),
                         "100 ms to 1 day (in us)");
  }
  if (o.retention < Duration(0)) {
    return Status(StatusCode::invalid_argument, "HubOptions::retention is negative");
  }
  const auto timeout = [](Duration value) {
    return value == Duration(0) || within(value, milliseconds(1), hours(24));
  };
  if (!timeout(o.activity_timeout)) {
    return out_of_bounds("activity_timeout", static_cast<std::uint64_t>(o.activity_timeout.count()),
                         "0, or 1 ms to 1 day (in us)");
  }
  if (!timeout(o.orchestrator_step_timeout)) {
    return out_of_bounds("orchestrator_step_timeout",
                         static_cast<std::uint64_t>(o.orchestrator_step_timeout.count()),
                         "0, or 1 ms to 1 day (in us)");
  }
  if (!within(o.extended_session_idle_timeout, milliseconds(1), hours(24))) {
    return out_of_bounds("extended_session_idle_timeout",
                         static_cast<std::uint64_t>(o.extended_session_idle_timeout.count()),
                         "1 ms to 1 day (in us)");
  }
  if (!within(o.entity_batch_operations_max, 1, 1'048'576)) {
    return out_of_bounds("entity_batch_operations_max", o.entity_batch_operations_max,
                         "1 to 1,048,576");
  }
  if (o.memory_bytes < 16 * kMiB) {
    return out_of_bounds("memory_bytes", o.memory_bytes, "at least 16 MiB");
  }
  if (!within(o.inbox_requests_max, 64, 1'048'576)) {
    return out_of_bounds("inbox_requests_max", o.inbox_requests_max, "64 to 1,048,576");
  }
  if (!within(o.payload_bytes_max, kKiB, 64 * kMiB)) {
    return out_of_bounds("payload_bytes_max", o.payload_bytes_max, "1 KiB to 64 MiB");
  }
  if (!within(o.segment_bytes, kMiB, kGiB) || o.segment_bytes % kMiB != 0) {
    return out_of_bounds("segment_bytes", o.segment_bytes, "1 MiB to 1 GiB, a multiple of 1 MiB");
  }
  if (!within(o.batch_bytes_max, 64 * kKiB, 16 * kMiB)) {
    return out_of_bounds("batch_bytes_max", o.batch_bytes_max, "64 KiB to 16 MiB");
  }
  if (!within(o.checkpoint_log_bytes, kMiB, 16 * kGiB)) {
    return out_of_bounds("checkpoint_log_bytes", o.checkpoint_log_bytes, "1 MiB to 16 GiB");
  }
  if (o.checkpoint_facts < 1000) {
    return out_of_bounds("checkpoint_facts", o.checkpoint_facts, "at least 1,000");
  }
  if (!within(o.checkpoint_idle, milliseconds(10), hours(24))) {
    return out_of_bounds("checkpoint_idle", static_cast<std::uint64_t>(o.checkpoint_idle.count()),
                         "10 ms to 1 day (in us)");
  }
  if (o.log_bytes_max < 2 * o.checkpoint_log_bytes) {
    return out_of_bounds("log_bytes_max", o.log_bytes_max, "at least twice checkpoint_log_bytes");
  }
  return {};
}

}  // namespace ingot::partition
