#include "tools/ingotd/http/metrics_page.h"

#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>

namespace ingot::server {
namespace {

struct PartitionMetric {
  const char* name;
  const char* type;
  const char* help;
  std::uint64_t (*value)(const PartitionMetrics& partition);
};

using M = PartitionMetrics;

constexpr std::array kPartitionMetrics = {
    PartitionMetric{"ingot_partition_up", "gauge", "1 while the partition works.",
                    [](const M& m) -> std::uint64_t { return m.failure.ok() ? 1 : 0; }},
    PartitionMetric{"ingot_facts_total", "counter", "Facts recorded since opening.",
                    [](const M& m) { return m.facts; }},
    PartitionMetric{"ingot_history_events_total", "counter", "History events since opening.",
                    [](const M& m) { return m.history_events; }},
    PartitionMetric{"ingot_orchestrations_finished_total", "counter",
                    "Orchestrations that ended since opening.",
                    [](const M& m) { return m.orchestrations_completed; }},
    PartitionMetric{"ingot_instances_live", "gauge", "Orchestrations that have not ended.",
                    [](const M& m) { return m.instances_live; }},
    PartitionMetric{"ingot_instances_resident", "gauge", "Live instances in memory.",
                    [](const M& m) { return m.instances_resident; }},
    PartitionMetric{"ingot_entities", "gauge", "Entities, with and without state.",
                    [](const M& m) { return m.entities; }},
    PartitionMetric{"ingot_log_bytes_total", "counter",
                    "Bytes written to the log since opening, with padding.",
                    [](const M& m) { return m.log_bytes; }},
    PartitionMetric{"ingot_log_payload_bytes_total", "counter",
                    "Bytes of facts in the log since opening, before compression.",
                    [](const M& m) { return m.log_payload_bytes; }},
    PartitionMetric{"ingot_log_writes_total", "counter", "Writes to the log since opening.",
                    [](const M& m) { return m.log_writes; }},
    PartitionMetric{"ingot_log_tail_bytes", "gauge",
                    "Bytes of facts since the last checkpoint: what recovery would replay.",
                    [](const M& m) { return m.log_tail_bytes; }},
    PartitionMetric{"ingot_durable_position", "gauge", "Up to here the log is on stable media.",
                    [](const M& m) { return m.durable_position; }},
    PartitionMetric{"ingot_checkpoint_position", "gauge", "What the last checkpoint holds.",
                    [](const M& m) { return m.checkpoint_position; }},
    PartitionMetric{"ingot_checkpoints_total", "counter", "Checkpoints since opening.",
                    [](const M& m) { return m.checkpoints; }},
    PartitionMetric{"ingot_checkpoint_rows_total", "counter",
                    "Rows that checkpoints wrote since opening.",
                    [](const M& m) { return m.checkpoint_rows; }},
    PartitionMetric{"ingot_inbox_requests", "gauge", "Client requests taken and not handled yet.",
                    [](const M& m) { return m.inbox_requests; }},
    PartitionMetric{"ingot_requests_refused_total", "counter",
                    "Client requests refused as overloaded since opening.",
                    [](const M& m) { return m.requests_refused; }},
    PartitionMetric{"ingot_memory_bytes", "gauge", "Memory of instances and buffers (estimate).",
                    [](const M& m) { return m.memory_bytes; }},
};

void write_hub_level(Exposition& page, const ServerSnapshot& snapshot) {
  page.metric("ingot_hub_up", "gauge",
              "1 for a task hub that is open, 0 for one that could not be.");
  for (const HubFigures& hub : snapshot.hubs) page.sample({{"hub", hub.name}}, std::uint64_t{1});
  for (const auto& [name, why] : snapshot.failures) page.sample({{"hub", name}}, std::uint64_t{0});
  page.metric("ingot_instances", "gauge", "Orchestrations by runtime status.");
  for (const HubFigures& hub : snapshot.hubs) {
    if (!hub.counts.ok()) continue;
    for (std::uint8_t i = 0; i < kRuntimeStatusMax; ++i) {
      const auto status = static_cast<RuntimeStatus>(i);
      page.sample({{"hub", hub.name}, {"status", to_string(status)}}, (*hub.counts)[status]);
    }
  }
  page.metric("ingot_checkpoint_stall_p999_seconds", "gauge",
              "What a checkpoint adds to one turn of a shard's loop: 99.9th percentile.");
  for (const HubFigures& hub : snapshot.hubs) {
    page.sample({{"hub", hub.name}}, hub.metrics.checkpoint_stall_us_p999 / 1e6);
  }
  page.metric("ingot_recovery_seconds", "gauge", "How long opening replayed the log.");
  for (const HubFigures& hub : snapshot.hubs) {
    page.sample({{"hub", hub.name}}, hub.metrics.recovery_seconds);
  }
}

}  // namespace

void write_hub_metrics(Exposition& page, const ServerSnapshot& snapshot) {
  write_hub_level(page, snapshot);
  for (const PartitionMetric& metric : kPartitionMetrics) {
    page.metric(metric.name, metric.type, metric.help);
    for (const HubFigures& hub : snapshot.hubs) {
      for (const PartitionMetrics& partition : hub.metrics.partitions) {
        page.sample({{"hub", hub.name}, {"partition", std::to_string(partition.partition)}},
                    metric.value(partition));
      }
    }
  }
  page.metric("ingot_checkpoint_age_seconds", "gauge",
              "Since the last checkpoint, or since opening.");
  for (const HubFigures& hub : snapshot.hubs) {
    for (const PartitionMetrics& partition : hub.metrics.partitions) {
      page.sample({{"hub", hub.name}, {"partition", std::to_string(partition.partition)}},
                  std::chrono::duration<double>(partition.checkpoint_age).count());
    }
  }
}

void write_request_metrics(Exposition& page, const std::vector<Route>& routes,
                           const RequestStats& stats) {
  // One past the routes: what found none, or was no HTTP.
  const auto route_of = [&](std::size_t i) -> std::pair<std::string_view, std::string_view> {
    if (i == routes.size()) return {"other", "none"};
    return {routes[i].method, routes[i].pattern};
  };
  page.metric("ingotd_http_requests_total", "counter", "Requests by route and class of answer.");
  for (std::size_t i = 0; i <= routes.size(); ++i) {
    const auto [method, route] = route_of(i);
    for (std::size_t c = 0; c < 6; ++c) {
      const std::uint64_t count = stats.of(i).by_class[c].load(std::memory_order_relaxed);
      if (count == 0) continue;
      const std::string answer = fmt::format("{}xx", c);
      page.sample({{"method", method}, {"route", route}, {"code", answer}}, count);
    }
  }
  page.metric("ingotd_http_request_duration_seconds", "histogram",
              "From a request's header to its answer.");
  for (std::size_t i = 0; i <= routes.size(); ++i) {
    const auto [method, route] = route_of(i);
    const RequestStats::RouteStats& of = stats.of(i);
    std::uint64_t total = 0;
    for (const auto& bucket : of.buckets) total += bucket.load(std::memory_order_relaxed);
    if (total == 0) continue;
    std::uint64_t so_far = 0;
    for (std::size_t b = 0; b < RequestStats::kBounds.size(); ++b) {
      so_far += of.buckets[b].load(std::memory_order_relaxed);
      const std::string bound =
          fmt::format("{}", static_cast<double>(RequestStats::kBounds[b]) / 1e6);
      // What was recorded since the total was taken is left to the next scrape.
      page.sample({{"method", method}, {"route", route}, {"le", bound}}, std::min(so_far, total),
                  "_bucket");
    }
    page.sample({{"method", method}, {"route", route}, {"le", "+Inf"}}, total, "_bucket");
    page.sample({{"method", method}, {"route", route}},
                static_cast<double>(of.micros.load(std::memory_order_relaxed)) / 1e6, "_sum");
    page.sample({{"method", method}, {"route", route}}, total, "_count");
  }
}

void write_process_metrics(Exposition& page) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  page.metric("process_cpu_seconds_total", "counter", "Processor time, user and system.");
  page.sample({}, seconds(usage.ru_utime) + seconds(usage.ru_stime));
  std::uint64_t pages_in_all = 0;
  std::uint64_t pages = 0;
  if (std::ifstream("/proc/self/statm") >> pages_in_all >> pages) {
    page.metric("process_resident_memory_bytes", "gauge", "Resident memory.");
    page.sample({}, pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
  }
}

}  // namespace ingot::server
