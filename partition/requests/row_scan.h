#pragma once

// RowScan: one partition's instances and entities in the order of their ids, a page at a time.
//
// The store is read on the loader's thread. On the shard, what memory holds is laid over it: the
// ids that have changed since the store's checkpoint come from an index, and whatever is in memory
// counts instead of the store's row. A reading that a checkpoint overtook is repeated, because an
// instance may have moved from memory to the store in between. The shard looks at a bounded number
// of rows at once, and goes on in its next turn.

#include <memory>

#include "partition/checkpoint/checkpointer.h"
#include "partition/memory/residency.h"
#include "partition/requests/id_index.h"
#include "partition/shard/effect_gate.h"
#include "partition/shard/environment.h"
#include "partition/shard/recorder.h"

namespace ingot::partition {

class RowScan {
 public:
  // The checkpointer is not used before the first request.
  RowScan(const Environment& environment, PartitionState& state, storage::CheckpointStore& store,
          Recorder& recorder, EffectGate& gate, Residency& residency,
          const Checkpointer& checkpointer)
      : environment_(environment),
        state_(state),
        store_(store),
        recorder_(recorder),
        gate_(gate),
        residency_(residency),
        checkpointer_(checkpointer),
        index_(state) {}

  void take(ScanRequest& request);
  void take(RowsScanned& scanned);
  // A checkpoint was committed: what is remembered for no one is dropped.
  void committed();

 private:
  void read_store(std::shared_ptr<ScanProgress> progress);
  // Lays memory over what was read; true when the scan is over.
  Result<bool> merge(ScanProgress& progress, const std::vector<ScannedRow>& rows);
  void drop_garbage(bool unused);

  const Environment& environment_;
  PartitionState& state_;
  storage::CheckpointStore& store_;
  Recorder& recorder_;
  EffectGate& gate_;
  Residency& residency_;
  const Checkpointer& checkpointer_;
  IdIndex index_;
  bool used_ = false;  // since the last checkpoint
};

}  // namespace ingot::partition
