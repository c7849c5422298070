#include "bench/report.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>

namespace ingot::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kOrchestrations = "orchestrations";

double per_second(std::uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

// Three decimals are enough for people, and shorten the JSON.
double rounded(double value) { return std::round(value * 1000) / 1000; }

double latency_us(const Report& report, double quantile) {
  return rounded(static_cast<double>(report.latency_ns.quantile(quantile)) / 1000);
}

std::string_view io_name(LogIo io) {
  switch (io) {
    case LogIo::uring:
      return "uring";
    case LogIo::pwritev2:
      return "pwritev2";
    case LogIo::automatic:
      break;
  }
  return "automatic";
}

Json options_json(const BenchOptions& options) {
  return Json{{"partitions", options.partitions},
              {"shards", options.shards},
              {"io", io_name(options.io)},
              {"persist_first", options.persist_first},
              {"memory_mib", options.memory_mib},
              {"segment_mib", options.segment_mib},
              {"checkpoint_mib", options.checkpoint_mib},
              {"checkpoint_facts", options.checkpoint_facts},
              {"log_mib_max", options.log_mib_max},
              {"dir", options.dir},
              {"keep", options.keep},
              {"resume", options.resume},
              {"concurrency", options.concurrency},
              {"seconds", options.seconds},
              {"warmup", options.warmup},
              {"id_order", options.random_ids ? "random" : "time"},
              {"activity_mode", options.pool_activities ? "pool" : "inline"},
              {"length", options.length},
              {"width", options.width},
              {"bytes", options.bytes},
              {"count", options.count},
              {"mib", options.mib},
              {"delay_ms", options.delay_ms},
              {"accounts", options.accounts},
              {"entities", options.entities},
              {"words", options.words},
              {"mix", options.mix},
              {"ledger", options.ledger}};
}

Json report_json(const Report& report, const BenchOptions& options) {
  Json json;
  json["workload"] = report.workload;
  json["options"] = options_json(options);
  json["seconds"] = rounded(report.seconds);
  json["completed"] = report.completed;
  const double per_s = rounded(per_second(report.completed, report.seconds));
  const bool orchestrations = report.unit == kOrchestrations;
  json["orchestrations_per_s"] = orchestrations ? per_s : 0;
  if (!orchestrations) json[report.unit + "_per_s"] = per_s;
  json["events_per_s"] = rounded(per_second(report.history_events, report.seconds));
  json["latency_us"] = {{"p50", latency_us(report, 0.5)},
                        {"p90", latency_us(report, 0.9)},
                        {"p99", latency_us(report, 0.99)},
                        {"p999", latency_us(report, 0.999)},
                        {"max", latency_us(report, 1)}};
  json["durability"] = report.durability;
  json["io_backend"] = report.io_backend;
  json["log"] = {{"bytes", report.log.bytes},
                 {"writes", report.log.writes},
                 {"bytes_per_s", rounded(per_second(report.log.bytes, report.seconds))}};
  json["checkpoints"] = {{"count", report.checkpoints.count},
                         {"rows", report.checkpoints.rows},
                         {"stall_us_p999", rounded(report.checkpoints.stall_us_p999)},
                         {"stall_us_max", rounded(report.checkpoints.stall_us_max)}};
  json["device"] = {{"write_4k_us_p50", rounded(report.device.write_4k_us_p50)},
                    {"write_1m_bytes_per_s", rounded(report.device.write_1m_bytes_per_s)},
                    {"direct", report.device.direct}};
  json["cpu_seconds"] = rounded(report.cpu_seconds);
  json["max_rss_bytes"] = report.max_rss_bytes;
  json["errors"] = report.errors;
  if (report.errors != 0) json["first_error"] = report.first_error;
  json["verified"] = report.verified();
  json["verified_outputs"] = report.verified_outputs;
  if (report.recovery) {
    const RecoveryFigures& recovery = *report.recovery;
    json["recovery"] = {{"facts", recovery.facts},
                        {"bytes", recovery.bytes},
                        {"seconds", rounded(recovery.seconds)},
                        {"facts_per_s", rounded(per_second(recovery.facts, recovery.seconds))}};
  }
  for (const auto& [name, value] : report.extra) json[name] = rounded(value);
  return json;
}

std::string mebibytes(double bytes) { return fmt::format("{:.1f} MiB", bytes / (1 << 20)); }

// 1234567.8 as 1,234,568; small numbers keep decimals.
std::string grouped(double value) {
  if (std::abs(value) < 1000) return fmt::format("{:.4g}", value);
  std::string digits = fmt::format("{:.0f}", value);
  const std::ptrdiff_t first = value < 0 ? 1 : 0;
  for (auto i = static_cast<std::ptrdiff_t>(digits.size()) - 3; i > first; i -= 3) {
    digits.insert(static_cast<std::size_t>(i), ",");
  }
  return digits;
}

}  // namespace

void Report::add_error(const std::string& what) {
  if (errors++ == 0) first_error = what;
}

void Report::add_rate(const std::string& name, double total) {
  extra.emplace_back(name, seconds > 0 ? total / seconds : 0);
}

std::string to_json(const Report& report, const BenchOptions& options) {
  using Handler = Json::error_handler_t;
  return report_json(report, options).dump(2, ' ', false, Handler::replace) + "\n";
}

std::string to_table(const Report& report) {
  std::string out;
  const auto line = [&out](std::string_view name, const std::string& value) {
    fmt::format_to(std::back_inserter(out), "  {:<22} {}\n", name, value);
  };
  fmt::format_to(std::back_inserter(out), "{}: {:.2f} s\n", report.workload, report.seconds);
  if (report.completed != 0) {
    line(report.unit, grouped(static_cast<double>(report.completed)));
    line(report.unit + "/s", grouped(per_second(report.completed, report.seconds)));
  }
  if (report.history_events != 0) {
    line("history events/s", grouped(per_second(report.history_events, report.seconds)));
  }
  if (report.latency_ns.count() != 0) {
    line("latency us",
         fmt::format("p50 {}   p90 {}   p99 {}   p99.9 {}   max {}",
                     grouped(latency_us(report, 0.5)), grouped(latency_us(report, 0.9)),
                     grouped(latency_us(report, 0.99)), grouped(latency_us(report, 0.999)),
                     grouped(latency_us(report, 1))));
  }
  if (report.recovery) {
    const RecoveryFigures& recovery = *report.recovery;
    line("recovery", fmt::format("{} facts, {} in {:.3f} s = {} facts/s",
                                 grouped(static_cast<double>(recovery.facts)),
                                 mebibytes(static_cast<double>(recovery.bytes)), recovery.seconds,
                                 grouped(per_second(recovery.facts, recovery.seconds))));
  }
  for (const auto& [name, value] : report.extra) line(name, grouped(value));
  if (report.log.writes != 0) {
    line("log",
         fmt::format("{} in {} writes, {}/s", mebibytes(static_cast<double>(report.log.bytes)),
                     grouped(static_cast<double>(report.log.writes)),
                     mebibytes(per_second(report.log.bytes, report.seconds))));
  }
  if (report.checkpoints.count != 0) {
    line("checkpoints",
         fmt::format("{}, {} rows, loop stall p99.9 {} us, max {} us", report.checkpoints.count,
                     grouped(static_cast<double>(report.checkpoints.rows)),
                     grouped(report.checkpoints.stall_us_p999),
                     grouped(report.checkpoints.stall_us_max)));
  }
  if (report.device.write_4k_us_p50 > 0) {
    line("device", fmt::format("4 KiB durable write {} us, 1 MiB writes {}/s{}",
                               grouped(report.device.write_4k_us_p50),
                               mebibytes(report.device.write_1m_bytes_per_s),
                               report.device.direct ? "" : " (no O_DIRECT here)"));
  }
  if (!report.durability.empty()) {
    line("durability", report.durability + " (" + report.io_backend + ")");
  }
  line("process", fmt::format("{:.2f} s of CPU, {} resident at most", report.cpu_seconds,
                              mebibytes(static_cast<double>(report.max_rss_bytes))));
  line("verified",
       fmt::format("{}, {} outputs, {} errors", report.verified() ? "yes" : "NO",
                   grouped(static_cast<double>(report.verified_outputs)), report.errors));
  if (report.errors != 0) line("first error", report.first_error);
  return out;
}

Status publish(const Report& report, const BenchOptions& options) {
  const bool json_on_stdout = options.json == "-";
  fmt::print(json_on_stdout ? stderr : stdout, "{}", to_table(report));
  if (options.json.empty()) return {};
  const std::string json = to_json(report, options);
  if (json_on_stdout) {
    fmt::print("{}", json);
    return std::fflush(stdout) == 0 ? Status() : Status(StatusCode::io_error, "standard output");
  }
  std::ofstream file(options.json, std::ios::binary | std::ios::trunc);
  file << json;
  file.close();
  if (!file) return Status(StatusCode::io_error, "writing " + options.json);
  return {};
}

}  // namespace ingot::bench
