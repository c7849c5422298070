#pragma once

// Checkpointer: decides when a partition takes a checkpoint, and carries it from the cut to the
// trimming of the log.
//
//   idle -> copying (slices, on the shard) -> waiting until the cut is durable in the log
//        -> writing (checkpoint thread) -> committed: records released, log trimmed -> idle
//
// Invariants:
//   - a checkpoint never holds a fact that the log could lose;
//   - a full disk leaves the cut as it is and tries again; any other failure stops the partition;
//   - what the shard spends on checkpoints in one turn is bounded, and measured.

#include <algorithm>
#include <memory>
#include <vector>

#include "commit-log/commit_log.h"
#include "core/histogram.h"
#include "partition/checkpoint/cut.h"
#include "partition/memory/residency.h"
#include "partition/shard/environment.h"

namespace ingot::partition {

class Checkpointer {
 public:
  Checkpointer(const Environment& environment, PartitionState& state, log::CommitLog& log,
               storage::CheckpointStore& store, Residency& residency)
      : environment_(environment),
        state_(state),
        log_(log),
        store_(store),
        residency_(residency),
        cut_position_(store.position()),
        cut_payload_bytes_(log.counters().payload_bytes),
        committed_payload_bytes_(cut_payload_bytes_),
        opened_at_(environment.clock.monotonic()) {}

  // A little work on the shard; call once a turn. `hurry`: memory is short.
  void turn(Duration monotonic, bool hurry);
  // An explicit checkpoint of everything recorded so far.
  void take(CheckpointRequest& request);
  // The checkpoint thread is done with one. A failure other than disk_full is returned.
  Status take(const CheckpointDone& done, Duration monotonic);

  // The log holds too much past the last checkpoint: take no client requests until the next one.
  [[nodiscard]] bool behind() const;
  // Something is going on or waiting, so that turn() must be called soon.
  [[nodiscard]] bool active() const { return cut_ != nullptr || !waiting_.empty(); }
  // When turn() has to be called at the latest: now in monotonic time, or never (max).
  [[nodiscard]] Duration next_deadline(bool hurry) const;
  // One is under way, or there is something for another one.
  [[nodiscard]] bool can_help() const { return active() || state_.applied != cut_position_; }

  // The one under way; null when there is none.
  [[nodiscard]] const Cut* cut() const { return cut_.get(); }

  void refuse_waiting(const Status& why);
  [[nodiscard]] std::uint64_t checkpoints() const { return checkpoints_; }
  [[nodiscard]] std::uint64_t rows() const { return rows_; }
  // Since the last checkpoint, or since this partition was opened.
  [[nodiscard]] Duration age(Duration monotonic) const {
    return monotonic - std::max(last_done_, opened_at_);
  }
  // Payload bytes of the log since the last checkpoint's cut.
  [[nodiscard]] std::uint64_t tail_bytes() const {
    return log_.counters().payload_bytes - committed_payload_bytes_;
  }
  // Nanoseconds that turns with checkpoint work spent on it.
  [[nodiscard]] const Histogram& stalls() const { return stalls_; }

 private:
  [[nodiscard]] bool due(Duration monotonic, bool hurry) const;
  void start_cut();
  void advance(Duration monotonic);
  void submit();

  const Environment& environment_;
  PartitionState& state_;
  log::CommitLog& log_;
  storage::CheckpointStore& store_;
  Residency& residency_;
  std::unique_ptr<Cut> cut_;
  bool copied_ = false;
  bool writing_ = false;
  Duration retry_at_{0};
  Duration last_done_{0};
  Position cut_position_;            // of the last cut
  std::uint64_t cut_payload_bytes_;  // log bytes at the last cut
  std::uint64_t committed_payload_bytes_;
  const Duration opened_at_;
  Duration last_busy_{0};  // when the position last moved
  Position last_position_;
  struct Waiting {
    Position position;
    StatusFn done;
  };
  std::vector<Waiting> waiting_;
  std::uint64_t checkpoints_ = 0;
  std::uint64_t rows_ = 0;
  Histogram stalls_;
};

}  // namespace ingot::partition
