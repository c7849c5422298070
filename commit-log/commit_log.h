#pragma once

// CommitLog: the durable, ordered facts of one partition. Knows bytes only.
//
// The owner (a shard) builds batches with append() and calls flush() whenever no write is in
// flight; on_write() takes the completion. A batch becomes one frame, one aligned write.
//
//   append(fact) append(fact) ... flush() -> submit_write -> poll() gives token -> on_write()
//
// Invariants:
//   - positions are dense: each append() takes the next one;
//   - at most one write is in flight, and batch n+1 is written only after batch n is durable;
//   - durable_position() never exceeds what is on stable media, and never goes back;
//   - after the first failure nothing is written any more (failure() says why);
//   - a frame is never written over bytes that a reader could take for part of the log.
//
// One thread (that of the Io). The format is in FORMAT.md.

#include <ingot/ids.h>
#include <ingot/status.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "commit-log/io.h"
#include "core/clock.h"

namespace ingot::log {

struct CommitLogOptions {
  std::string directory;     // one partition's, exists
  std::uint64_t hub_id = 0;  // in each frame; a foreign frame is refused
  PartitionId partition;
  std::uint64_t epoch = 0;                     // fresh random bits of this incarnation
  bool must_exist = false;                     // a directory without segments is `corrupt`
  std::uint64_t segment_bytes = 64ULL << 20;   // 256 KiB to 4 GiB, a multiple of 256 KiB
  std::uint64_t batch_bytes_max = 1ULL << 20;  // payload bytes of a frame; 64 KiB to 64 MiB
  std::uint32_t spare_segments = 2;            // kept zero-written ahead; 1 to 16
  bool compress = true;                        // adaptive zstd, level 1, when it pays
};

struct LogCounters {
  std::uint64_t bytes_written = 0;  // on the device, padding included
  std::uint64_t payload_bytes = 0;  // before compression
  std::uint64_t writes = 0;
  std::uint64_t segments = 0;    // live ones
  std::uint64_t live_bytes = 0;  // of the live segments, up to the end of the log
};

// Called for every fact of the tail, in order; a failure ends the opening with that failure.
using ReplayFn = std::function<Status(Position, std::string_view fact)>;

class CommitLog {
 public:
  // Waits for the write in flight; its completion still comes from the Io's next poll(), for no
  // one.
  virtual ~CommitLog() = default;

  // Opens the log in `options.directory`, an empty one when there is none (and need not be),
  // replays the facts after `checkpoint` in order through `replay`, decides about a bad frame
  // (FORMAT.md), and starts `options.epoch`. The facts up to `checkpoint` may be trimmed already; a
  // gap after it is `corrupt`. Errors: corrupt (file, offset, position), io_error, disk_full,
  // unsupported (format version). `io` outlives the log.
  [[nodiscard]] static Result<std::unique_ptr<CommitLog>> open(Io& io, CommitLogOptions options,
                                                               Position checkpoint,
                                                               const ReplayFn& replay);

  // Adds one fact (at most 1 GiB) to the batch that is being built and returns its position. Not
  // durable yet.
  virtual Position append(std::string_view fact) = 0;
  // Payload bytes waiting in the batch.
  [[nodiscard]] virtual std::uint64_t batch_bytes() const = 0;
  // Submits the batch as one write with `token` when it is not empty and no write is in flight.
  // A batch over batch_bytes_max goes out as several frames of one write; frames that don't fit
  // into the segment any more stay in the batch (batch_bytes() is not 0 then) for the next flush().
  // `disk_full` when no segment can be had: the batch stays, and a later flush() tries again.
  // Any other failure is sticky.
  virtual Status flush(std::uint64_t token) = 0;
  // Takes the completion of the write in flight. A failure is sticky.
  virtual Status on_write(const Status& status) = 0;
  [[nodiscard]] virtual bool write_in_flight() const = 0;
  // When idle: submits one watermark frame if the last batch is not covered by a later frame's
  // durable position yet. Does nothing otherwise.
  virtual Status write_watermark(std::uint64_t token) = 0;
  [[nodiscard]] virtual bool needs_watermark() const = 0;

  [[nodiscard]] virtual Position appended_position() const = 0;
  [[nodiscard]] virtual Position durable_position() const = 0;
  // Facts up to `checkpoint` are not needed any more: recycles or removes whole segments.
  virtual Status trim(Position checkpoint) = 0;
  // True while what waits and one more fact of up to `fact_bytes` (at most half a segment) surely
  // find room without new disk space. An owner that appends only then never sees flush() fail for
  // want of space. Cheap: to be asked before each fact.
  [[nodiscard]] virtual bool has_room(std::uint64_t fact_bytes) const = 0;
  // When has_room() is false: has a spare segment made if there is none, in the background; the Io
  // is woken when it is ready or can't be made. Gives the failure of the last attempt: then
  // call again from time to time. `disk_full` never sticks; any other failure does when 50 attempts
  // in a row have met one. A log with a spare has room again when what waits is written.
  virtual Status make_room() = 0;
  [[nodiscard]] virtual const Status& failure() const = 0;
  [[nodiscard]] virtual LogCounters counters() const = 0;
};

}  // namespace ingot::log
