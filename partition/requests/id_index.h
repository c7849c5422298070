#pragma once

// IdIndex: the ids of all instances that have changed since the last committed checkpoint, in
// order. What the store does not have as it is in memory, is found here.
//
// It costs nothing until someone asks: it reads what the state keeps for the next checkpoint
// anyway, a bounded part at a time, and forgets it with that checkpoint. So it holds no more ids
// than a checkpoint has changes.

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "partition/checkpoint/cut.h"
#include "partition/state/partition_state.h"

namespace ingot::partition {

class IdIndex {
 public:
  explicit IdIndex(const PartitionState& state) : state_(state) {}

  // Reads up to `budget` of the changes that it has not seen. True when it has seen all; then it
  // may be walked until the state changes. `cut` is the checkpoint under way, if any.
  bool catch_up(const Cut* cut, std::size_t budget);
  // Takes out what is of no use any more, for someone else to destroy; all when it is `unused`.
  struct Generation;
  [[nodiscard]] std::vector<std::shared_ptr<Generation>> take_garbage(bool unused);

  // Walks the ids that begin with `prefix` and are beyond `after` (if not empty).
  class Walk {
   public:
    Walk(const IdIndex& index, std::string_view prefix, std::string_view after, bool descending);
    // The next id; an empty one at the end.
    [[nodiscard]] std::string_view peek() const;
    // Passes `id`, if it is the next one.
    void pass(std::string_view id);

   private:
    using Ids = std::set<std::string_view>;
    struct Part {
      const Ids* ids = nullptr;
      Ids::const_iterator at;
      std::string_view id;  // empty: no more
    };
    void read(Part& part) const;

    const std::string prefix_;
    const bool descending_;
    std::vector<Part> parts_;
  };

  struct Generation {
    std::uint64_t epoch = 0;
    std::set<std::string_view> ids;
    // How far it has read.
    std::size_t touched = 0;
    FinishedPlace finished;
    // What the ids are views of.
    std::vector<std::unique_ptr<char[]>> chunks;
    std::size_t chunk_left = 0;

    void add(std::string_view id);
  };

 private:
  void roll(bool cutting);
  // Reads on; takes what it read off `budget`.
  void read(Generation& generation, const std::vector<SequenceNumber>& touched,
            const FinishedRecords& finished, std::size_t& budget) const;

  const PartitionState& state_;
  std::shared_ptr<Generation> current_;
  std::shared_ptr<Generation> sealed_;  // of the cut under way
  std::vector<std::shared_ptr<Generation>> garbage_;
};

}  // namespace ingot::partition
