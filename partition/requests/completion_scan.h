#pragma once

// CompletionScan: a partition's finished instances in the order of their completion, the oldest
// first; and what is done with them in that order: purging.
//
// Records are put into the store in the order in which instances end, and those that are not there
// yet lie in memory in that order. So a scan reads the store on the loader's thread, from a cursor,
// and then walks the finished stage; it never looks at what it does not want. Whenever a checkpoint
// is committed meanwhile, what was in memory is in the store behind the cursor, and the scan goes
// on there. The shard looks at a bounded number of records at once.

#include <memory>

#include "partition/memory/residency.h"
#include "partition/shard/effect_gate.h"
#include "partition/shard/environment.h"
#include "partition/shard/recorder.h"

namespace ingot::partition {

class CompletionScan {
 public:
  CompletionScan(const Environment& environment, PartitionState& state,
                 storage::CheckpointStore& store, Recorder& recorder, EffectGate& gate,
                 Residency& residency)
      : environment_(environment),
        state_(state),
        store_(store),
        recorder_(recorder),
        gate_(gate),
        residency_(residency) {}

  void take(CompletionRequest& request);
  void take(PurgeManyRequest& request);
  void take(RecordsScanned& scanned);
  // `request` records facts.
  void start_purge(CompletionRequest request);
  // Forgets a finished instance; false when the partition has failed.
  bool purge(const RowView& row);

 private:
  enum class Step : std::uint8_t { read_store, go_on, over };

  void read_store(std::shared_ptr<CompletionProgress> progress);
  Result<Step> take_stored(CompletionProgress& progress,
                           const std::vector<storage::ScannedRecord>& records);
  Result<Step> walk_memory(CompletionProgress& progress);
  // False when the scan is to end. `before` is a cursor before the record.
  Result<bool> visit(CompletionProgress& progress, std::string_view record,
                     storage::RecordCursor before);
  void enter(CompletionProgress& progress, std::uint64_t generation);
  [[nodiscard]] const FinishedRecords& generation(std::uint64_t epoch) const;

  const Environment& environment_;
  PartitionState& state_;
  storage::CheckpointStore& store_;
  Recorder& recorder_;
  EffectGate& gate_;
  Residency& residency_;
};

}  // namespace ingot::partition
