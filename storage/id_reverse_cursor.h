#pragma once

// Walks runs of ids from their ends to their beginnings. Entries of a block are front coded, so a
// block is read forwards into memory and then walked backwards.

#include <string>
#include <string_view>
#include <vector>

#include "storage/id_merger.h"

namespace ingot::storage {

class IdRunReverseCursor {
 public:
  // All outlive the cursor; the reader's snapshot has the run.
  IdRunReverseCursor(TableReader& reader, const IdRun& run) : run_(run), forward_(reader, run) {}

  // Moves to the last entry below `bound`; empty: to the last entry. False when there is none.
  Result<bool> seek_below(std::string_view bound);
  Result<bool> previous();
  // Valid until the next move to another block.
  [[nodiscard]] const IdEntry& entry() const { return entries_[left_ - 1]; }
  [[nodiscard]] bool at_end() const { return left_ == 0; }

 private:
  Status load_block(std::size_t index);

  const IdRun& run_;
  IdRunCursor forward_;
  std::size_t block_index_ = 0;
  std::string ids_;               // of the block, one after the other
  std::vector<IdEntry> entries_;  // of the block
  std::size_t left_ = 0;          // entries up to and with the present one
};

// Walks several runs, newest first, as one: the newest entry of each id, tombstones too.
class IdReverseMergeCursor {
 public:
  // `runs` outlive the cursor.
  IdReverseMergeCursor(TableReader& reader, const IdRuns& runs);
  Result<bool> seek_below(std::string_view bound);
  Result<bool> previous();
  [[nodiscard]] const IdEntry& entry() const { return cursors_[at_].entry(); }

 private:
  bool pick();

  std::vector<IdRunReverseCursor> cursors_;
  std::size_t at_ = 0;
  std::string id_;
};

}  // namespace ingot::storage
