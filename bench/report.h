#pragma once

// Report: the figures of one run, as a table for people and as one JSON object for programs.

#include <ingot/status.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/device_probe.h"
#include "bench/options.h"
#include "core/histogram.h"

namespace ingot::bench {

struct LogFigures {
  std::uint64_t bytes = 0;  // on the device, padding included
  std::uint64_t writes = 0;
};

struct CheckpointFigures {
  std::uint64_t count = 0;
  std::uint64_t rows = 0;
  double stall_us_p999 = 0;
  double stall_us_max = 0;
};

struct RecoveryFigures {
  std::uint64_t facts = 0;
  std::uint64_t bytes = 0;
  double seconds = 0;
};

struct Report {
  std::string workload;
  std::string unit = "orchestrations";  // what `completed` and the latencies are about
  double seconds = 0;                   // measured, without the warm-up
  std::uint64_t completed = 0;          // within those seconds
  std::uint64_t history_events = 0;
  Histogram latency_ns;  // start to completion, as the client saw it
  std::string durability;
  std::string io_backend;
  LogFigures log;
  CheckpointFigures checkpoints;
  DeviceFigures device;
  double cpu_seconds = 0;  // of this process within those seconds
  std::uint64_t max_rss_bytes = 0;
  std::uint64_t verified_outputs = 0;
  std::uint64_t errors = 0;
  std::string first_error;
  std::optional<RecoveryFigures> recovery;
  // Further figures of this workload, in the order they are shown.
  std::vector<std::pair<std::string, double>> extra;

  void add_error(const std::string& what);
  // A further figure: `total` of the measured time, per second.
  void add_rate(const std::string& name, double total);
  // Nothing failed, and something was verified.
  [[nodiscard]] bool verified() const { return errors == 0 && verified_outputs != 0; }
};

// One JSON object, ending with a newline.
[[nodiscard]] std::string to_json(const Report& report, const BenchOptions& options);
// Several lines for a terminal.
[[nodiscard]] std::string to_table(const Report& report);
// Writes the table to standard output and the JSON where `options.json` says; when that is
// standard output, the table goes to standard error. io_error.
Status publish(const Report& report, const BenchOptions& options);

}  // namespace ingot::bench
