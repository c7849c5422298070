#pragma once

// Recovery: a partition's state from its checkpoint and the tail of its log.
//
//   open the checkpoint -> tables, timers, rows with unfinished work -> replay the log's tail with
//   the state machine, effects discarded -> what is still due is found in the state
//
// Rows that a replayed fact names are loaded on the way. Ends with the log open for appending.

#include <ingot/hub_options.h>

#include <functional>
#include <memory>
#include <string>

#include "commit-log/commit_log.h"
#include "core/clock.h"
#include "partition/state/partition_state.h"
#include "storage/checkpoint_store.h"

namespace ingot::partition {

struct PartitionFolder {
  std::string log;         // of the segments
  std::string checkpoint;  // of the LMDB environment
};

struct RecoveryFigures {
  std::uint64_t facts = 0;
  std::uint64_t bytes = 0;  // of replayed facts
  double seconds = 0;
};

struct Recovered {
  std::unique_ptr<storage::CheckpointStore> store;
  std::unique_ptr<log::CommitLog> log;
  std::unique_ptr<PartitionState> state;
  RecoveryFigures figures;
};

struct RecoveryPlan {
  PartitionFolder folder;
  std::uint64_t hub_id = 0;
  PartitionId partition;
  std::uint32_t partition_count = 1;
  std::uint64_t epoch = 0;  // fresh random bits
  // The hub was made with its log and its checkpoint: where either is missing it is `corrupt`.
  bool must_exist = false;
  // Opens the checkpoint store; empty: the LMDB store in `folder.checkpoint`.
  std::function<Result<std::unique_ptr<storage::CheckpointStore>>()> open_store;
};

// On the thread that owns `io`. Errors: corrupt, io_error, disk_full, unsupported; each names the
// partition's file.
[[nodiscard]] Result<Recovered> recover(log::Io& io, const HubOptions& options, const Clock& clock,
                                        const RecoveryPlan& plan);

}  // namespace ingot::partition
