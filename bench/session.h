#pragma once

// What every workload has around it: a folder, the device's figures, a hub in the folder, and the
// counters at both ends of the measured time.

#include <ingot/status.h>
#include <ingot/task_hub.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "bench/options.h"
#include "bench/report.h"

namespace ingot::bench {

// The folder of a run: `--dir`, which stays, or a temporary one, which is removed at the end
// unless `--keep`.
class Workspace {
 public:
  // not_found when `--resume` names a folder that does not exist; io_error.
  [[nodiscard]] static Result<std::unique_ptr<Workspace>> make(const BenchOptions& options);
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  // Exists.
  [[nodiscard]] const std::string& directory() const { return directory_; }

 private:
  Workspace(std::string directory, bool temporary, bool keep);

  const std::string directory_;
  const bool temporary_;
  const bool keep_;
};

// Seconds of CPU that this process has used, in user and kernel mode.
[[nodiscard]] double process_cpu_seconds();
// The most memory that this process has had resident, and what it has now.
[[nodiscard]] std::uint64_t process_rss_bytes_max();
[[nodiscard]] std::uint64_t process_rss_bytes();

// A hub with the orchestrators of orchestrators.h, under measurement.
class Session {
 public:
  // Makes the workspace, measures the device and opens the hub.
  [[nodiscard]] static Result<std::unique_ptr<Session>> open(const BenchOptions& options,
                                                             const HubOptions& hub_options,
                                                             Report& report);
  // Closes the hub.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] TaskHub& hub() { return *hub_; }
  [[nodiscard]] Client& client() { return hub_->client(); }
  // What opening the hub took, its recovery included.
  [[nodiscard]] double open_seconds() const { return open_seconds_; }

  // The measured time begins.
  void begin();
  // It ends: what has happened since begin() goes into the report.
  void end();
  // After the last figure. No callback is called after it. Any partition's failure is an error of
  // the report.
  void close();

 private:
  struct Snapshot;

  explicit Session(Report& report);
  [[nodiscard]] Snapshot snapshot() const;

  Report& report_;
  std::unique_ptr<Workspace> workspace_;
  std::unique_ptr<TaskHub> hub_;
  std::unique_ptr<Snapshot> begin_;
  double open_seconds_ = 0;
};

// How the hub answers, in words, for the report.
[[nodiscard]] std::string durability_of(const HubOptions& options);

}  // namespace ingot::bench
