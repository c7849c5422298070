#include "bench/session.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "bench/orchestrators.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

namespace fs = std::filesystem;

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

rusage process_usage() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage;
}

}  // namespace

double process_cpu_seconds() {
  const rusage usage = process_usage();
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

std::uint64_t process_rss_bytes_max() {
  return static_cast<std::uint64_t>(process_usage().ru_maxrss) * 1024;
}

std::uint64_t process_rss_bytes() {
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::string durability_of(const HubOptions& options) {
  std::string text = "every answer after its O_DIRECT write with RWF_DSYNC";
  text += options.persist_steps_first ? "; steps wait for their cause too"
                                      : "; steps inside the hub are pipelined";
  return text;
}

Result<std::unique_ptr<Workspace>> Workspace::make(const BenchOptions& options) {
  std::error_code error;
  if (!options.dir.empty()) {
    if (options.resume && !fs::is_directory(options.dir, error)) {
      return Status(StatusCode::not_found, "no folder " + options.dir);
    }
    fs::create_directories(options.dir, error);
    if (error) return Status(StatusCode::io_error, options.dir + ": " + error.message());
    return std::unique_ptr<Workspace>(new Workspace(options.dir, false, true));
  }
  fs::path base = fs::temp_directory_path(error);
  if (error) base = "/tmp";
  std::string name = (base / "ingot-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    return Status(StatusCode::io_error, "no temporary folder can be made in " + base.string());
  }
  return std::unique_ptr<Workspace>(new Workspace(name, true, options.keep));
}

Workspace::Workspace(std::string directory, bool temporary, bool keep)
    : directory_(std::move(directory)), temporary_(temporary), keep_(keep) {}

Workspace::~Workspace() {
  if (!temporary_) return;
  if (keep_) {
    fmt::print(stderr, "kept {}\n", directory_);
  } else {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }
}

struct Session::Snapshot {
  std::chrono::steady_clock::time_point time;
  double cpu_seconds = 0;
  std::uint64_t history_events = 0;
  LogFigures log;
  CheckpointFigures checkpoints;
};

Session::Session(Report& report) : report_(report) {}

Session::~Session() { close(); }

Result<std::unique_ptr<Session>> Session::open(const BenchOptions& options,
                                               const HubOptions& hub_options, Report& report) {
  std::unique_ptr<Session> session(new Session(report));
  INGOT_ASSIGN(session->workspace_, Workspace::make(options));
  const std::string& directory = session->workspace_->directory();
  INGOT_ASSIGN(report.device, probe_device(directory, options.seconds / 4));
  const Registry registry = make_registry(options.pool_activities);
  const auto begin = std::chrono::steady_clock::now();
  INGOT_ASSIGN(session->hub_, TaskHub::open(directory, registry, hub_options));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  session->open_seconds_ = took.count();
  report.io_backend = session->hub_->metrics().io_backend;
  report.durability = durability_of(hub_options);
  return session;
}

Session::Snapshot Session::snapshot() const {
  Snapshot now;
  const HubMetrics metrics = hub_->metrics();
  for (const PartitionMetrics& partition : metrics.partitions) {
    now.history_events += partition.history_events;
    now.log.bytes += partition.log_bytes;
    now.log.writes += partition.log_writes;
    now.checkpoints.count += partition.checkpoints;
    now.checkpoints.rows += partition.checkpoint_rows;
  }
  now.checkpoints.stall_us_p999 = metrics.checkpoint_stall_us_p999;
  now.checkpoints.stall_us_max = metrics.checkpoint_stall_us_max;
  now.cpu_seconds = process_cpu_seconds();
  now.time = std::chrono::steady_clock::now();
  return now;
}

void Session::begin() { begin_ = std::make_unique<Snapshot>(snapshot()); }

void Session::end() {
  const Snapshot now = snapshot();
  const Snapshot& then = *begin_;
  report_.seconds = std::chrono::duration<double>(now.time - then.time).count();
  report_.cpu_seconds = now.cpu_seconds - then.cpu_seconds;
  report_.history_events = now.history_events - then.history_events;
  report_.log.bytes = now.log.bytes - then.log.bytes;
  report_.log.writes = now.log.writes - then.log.writes;
  report_.checkpoints = now.checkpoints;
  report_.checkpoints.count -= then.checkpoints.count;
  report_.checkpoints.rows -= then.checkpoints.rows;
}

void Session::close() {
  if (hub_ == nullptr) return;
  for (const PartitionMetrics& partition : hub_->metrics().partitions) {
    if (!partition.failure.ok()) {
      report_.add_error("partition " + std::to_string(partition.partition) +
                        " stopped: " + partition.failure.to_string());
    }
  }
  if (const Status status = hub_->close(); !status.ok()) {
    report_.add_error("closing the hub: " + status.to_string());
  }
  hub_.reset();
  report_.max_rss_bytes = process_rss_bytes_max();
}

}  // namespace ingot::bench
