#pragma once

// Residency: which instances are in memory. Finds them, loads what only the store has, and evicts
// idle ones when the partition is over its budget.
//
// Invariants:
//   - only clean instances are evicted: the last committed checkpoint has them as they are;
//   - a load that was overtaken by a checkpoint is repeated, so that an old row is never installed;
//   - requests for an instance that is being loaded wait in their order of arrival.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "partition/shard/environment.h"
#include "partition/shard/inbox.h"
#include "partition/state/partition_state.h"
#include "partition/work/session.h"
#include "storage/checkpoint_store.h"

namespace ingot::partition {

// Where an instance is. At most one of the members is set; none: it does not exist.
struct Found {
  Instance* live = nullptr;
  std::string_view record;  // of a finished instance; valid until the next call
  bool in_store = false;    // has to be loaded first
};

class Residency {
 public:
  Residency(const Environment& environment, PartitionState& state, storage::CheckpointStore& store,
            Sessions& sessions)
      : environment_(environment), state_(state), store_(store), sessions_(sessions) {}

  [[nodiscard]] Found find(std::uint64_t id_hash, std::string_view id);

  // Starts loading `id`, unless that is under way, and keeps `entry` (may be null) until then.
  void load(std::uint64_t id_hash, std::string_view id, std::unique_ptr<Inbox::Entry> entry);
  // The same by number, for what a timer names.
  void load(SequenceNumber sequence);
  [[nodiscard]] bool loading(SequenceNumber sequence) const {
    return sequence_loads_.contains(sequence.value);
  }
  [[nodiscard]] std::size_t loads() const { return id_loads_.size() + sequence_loads_.size(); }

  // Takes what the loader brought. The entries that waited are appended to `waiting`; until
  // forget_loaded() find() answers for them from what was brought. A failure stops the partition.
  Status take(LoadDone& done, std::vector<std::unique_ptr<Inbox::Entry>>& waiting);
  void forget_loaded() { loaded_id_.clear(); }

  // A checkpoint was committed whose cut ended `epoch`.
  void committed(std::uint64_t epoch) {
    committed_epoch_ = epoch;
    ++checkpoints_;
  }
  [[nodiscard]] std::uint64_t checkpoints() const { return checkpoints_; }

  // Looks at up to `count` of the least recently used, while the partition holds more than
  // `budget_bytes`, and evicts those that are idle and in the store; the first one that a
  // checkpoint has to come for ends it. Returns whether any was evicted.
  bool evict(std::size_t budget_bytes, std::size_t count);

  // What the partition's instances, sessions and tables hold.
  [[nodiscard]] std::size_t memory_bytes() const {
    return state_.memory_bytes() + sessions_.memory_bytes();
  }
  // Takes out what waits for loads, because the partition stops or closes.
  [[nodiscard]] std::vector<std::unique_ptr<Inbox::Entry>> take_waiting();

 private:
  struct IdLoad {
    std::uint64_t id_hash = 0;
    std::vector<std::unique_ptr<Inbox::Entry>> waiting;
  };

  void submit(std::string id, std::uint64_t id_hash, SequenceNumber sequence);
  Status install(std::string_view row, SequenceNumber expected);
  [[nodiscard]] bool has_timer(SequenceNumber sequence) const;

  const Environment& environment_;
  PartitionState& state_;
  storage::CheckpointStore& store_;
  Sessions& sessions_;
  std::unordered_map<std::string, IdLoad> id_loads_;
  std::unordered_set<std::uint64_t> sequence_loads_;
  std::uint64_t committed_epoch_ = 0;
  std::uint64_t checkpoints_ = 0;
  // What take() brought last, for the requests that waited for it.
  std::string loaded_id_;
  std::string loaded_record_;
};

// The row of a live instance or the record of a finished one, as the store has it; nothing when the
// store does not know the id. Any thread, also while a checkpoint is being committed.
[[nodiscard]] Result<std::optional<std::string>> read_row_or_record(
    const storage::CheckpointStore& store, const std::string& id);

}  // namespace ingot::partition
