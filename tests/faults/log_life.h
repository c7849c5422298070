#pragma once

// LogLife: two short lives of a log on a real Io in which something fails, and the proof
// afterwards, with nothing failing, that it kept every promise.
//
// The lives do all that a log does: small and large batches, some compressed, facts larger than a
// segment, watermarks, rolling, recycling and trimming, a torn tail, recovery, a reading of it all.
// What was acknowledged must come back; what was refused must not; what had no answer may do
// either.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "commit-log/commit_log.h"
#include "core/random.h"

namespace ingot::faults {

class LogLife {
 public:
  // The log is made in `folder`/life/log.
  LogLife(const std::string& folder, log::IoBackend backend);

  // Where all of it lies.
  [[nodiscard]] const std::string& path() const { return path_; }

  // Two lives with a torn tail between them, and a reading.
  void live();
  // One more, when nobody has needed yet what fails.
  void go_on();
  // With nothing failing.
  void check();

  // What the log did that it may not.
  [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
  // What it said of what failed.
  [[nodiscard]] const std::vector<Status>& failures() const { return failures_; }
  // It has given up, or did not open.
  [[nodiscard]] bool stopped() const { return stopped_; }
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }

 private:
  void one_life(int batches);
  void write(log::Io& io, log::CommitLog& log, int batches);
  void add_facts(log::Io& io, log::CommitLog& log, int batch);
  void add(log::CommitLog& log, std::size_t size, bool compressible);
  // False when no more can be written.
  bool write_out(log::Io& io, log::CommitLog& log);
  bool settle(log::Io& io, log::CommitLog& log);
  void trim(log::CommitLog& log);
  void judge_opening(const log::CommitLog& log, const std::map<std::uint64_t, std::string>& facts);
  void judge_stopped(log::CommitLog& log);
  // Leaves behind the log's end what a write that was cut short leaves.
  void tear() const;
  void read_all(log::Io& io, bool failing);
  void problem(std::string what) { problems_.push_back(std::move(what)); }
  // True when it is ok.
  bool told(const Status& status);

  const std::string path_;
  const std::string directory_;
  const log::IoBackend backend_;
  Random random_{20};
  std::uint64_t epoch_ = 0;
  std::map<std::uint64_t, std::string> facts_;  // that are there, or may be
  std::uint64_t acknowledged_ = 0;
  std::uint64_t offered_ = 0;  // the last one of what was ever given to the device
  Position checkpoint_;
  bool stopped_ = false;
  std::vector<std::string> problems_;
  std::vector<Status> failures_;
};

}  // namespace ingot::faults
