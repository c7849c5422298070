#pragma once

// LogReader: a look at a log without owning it, for `ingot log` and `ingot verify`.
//
// It reads every segment from its start, reports each frame and each fact that is sound, and every
// fault; past a fault it goes on at the next sound frame. It never changes a byte. A hub that runs
// may be read too: what is being written then shows as the end of the log.

#include <ingot/ids.h>
#include <ingot/status.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "commit-log/io.h"

namespace ingot::log {

struct FrameInfo {
  std::string_view file;            // the path of the segment; until the call returns
  std::uint64_t offset = 0;         // in it
  std::uint64_t bytes = 0;          // in it, header and padding included
  Position first;                   // of its first fact; of the next fact in a watermark
  std::uint32_t count = 0;          // facts; 0 in a watermark
  std::uint64_t stored_bytes = 0;   // of the payload
  std::uint64_t payload_bytes = 0;  // once decompressed
  Position durable;                 // what was durable when it was written
  std::uint64_t epoch = 0;          // of the incarnation that wrote it
  bool compressed = false;
};

// Why a place in the log can't be read.
struct LogFault {
  std::string file;
  std::uint64_t offset = 0;
  Position position;  // that the place should hold
  Status status;      // corrupt, unsupported or io_error; names the place
};

struct LogReaderOptions {
  std::string directory;
  std::uint64_t hub_id = 0;
  PartitionId partition;
  Position checkpoint;  // the log must hold everything after it; 0 when not known
};

// Each may be empty.
struct LogVisitor {
  std::function<void(const FrameInfo&)> on_frame;
  // A failure ends the reading with that failure.
  std::function<Status(Position, std::string_view fact)> on_fact;
  std::function<void(const LogFault&)> on_fault;
};

struct LogSummary {
  std::uint64_t segments = 0;
  std::uint64_t spares = 0;
  std::uint64_t frames = 0;
  std::uint64_t facts = 0;
  std::uint64_t faults = 0;
  Position first;           // of the first fact on disk; 0 when there is none
  Position last;            // of the last sound fact
  std::uint64_t bytes = 0;  // of the sound frames
  bool torn_tail = false;   // the log ends in a write that was cut short; the next opening mends it
};

class LogReader {
 public:
  // `io` outlives the reader.
  LogReader(Io& io, LogReaderOptions options) : io_(io), options_(std::move(options)) {}

  // Reads the whole log. Faults are not failures: a failure is a directory that can't be listed, or
  // what `on_fact` returned.
  [[nodiscard]] Result<LogSummary> read(const LogVisitor& visitor);

 private:
  Io& io_;
  LogReaderOptions options_;
};

}  // namespace ingot::log
