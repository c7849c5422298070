#pragma once

// Query: one partition's page of instances, in the order of their ids.
//
// The store is scanned on the loader's thread; what is in memory is newer and is laid over it on
// the shard. A scan that a checkpoint overtook is repeated, because an instance may have moved from
// memory to the store in between. Costs the shard a look at each instance in memory.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "partition/memory/residency.h"
#include "partition/shard/effect_gate.h"
#include "partition/shard/environment.h"
#include "partition/shard/recorder.h"
#include "partition/state/row.h"

namespace ingot::partition {

class Query {
 public:
  Query(const Environment& environment, PartitionState& state, storage::CheckpointStore& store,
        Recorder& recorder, EffectGate& gate, Residency& residency)
      : environment_(environment),
        state_(state),
        store_(store),
        recorder_(recorder),
        gate_(gate),
        residency_(residency) {}

  void take(QueryRequest& request);
  void take(QueryScanned& scanned);

 private:
  using Overlay = std::map<std::string_view, RowView>;

  void scan(std::shared_ptr<QueryProgress> progress);
  // What memory holds of the page, up to `last`, which is lowered when there is more than a page.
  Overlay overlay(const QueryProgress& progress, std::optional<std::string>& last) const;
  // Adds a row to the page if it matches.
  static Status add(QueryProgress& progress, const RowView& row);

  const Environment& environment_;
  PartitionState& state_;
  storage::CheckpointStore& store_;
  Recorder& recorder_;
  EffectGate& gate_;
  Residency& residency_;
};

}  // namespace ingot::partition
