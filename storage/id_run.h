#pragma once

// A sorted run of ids: what one checkpoint (or a merge of several runs) says about its ids.
//
//   block     entries, front coded: varint bytes shared with the id before | bytes rest | u8 kind |
//             row: varint sequence | record: varint pack, varint offset | tombstone: nothing
//   part 1    varint entries | varint tombstones | varint ranges, each varint first, varint count
//   part 2    fences: bytes of the first id of each block, then bytes of the last id
//   part 3    the Bloom filter's bytes
//
// Blocks lie in table id_blocks under ever-increasing numbers, so that they are always appended;
// a run owns ranges of numbers. The parts lie in table run_parts under u64 run | u8 part.
// Fences and filter stay in memory: an id that is absent costs no read, one that is there costs one
// block. A run never changes.

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/bloom_filter.h"
#include "storage/table_reader.h"

namespace ingot::storage {

inline constexpr std::size_t kIdBytesMax = 1024;
inline constexpr std::size_t kBlockBytes = 1900;

enum class IdKind : std::uint8_t { tombstone = 0, row = 1, record = 2 };

// What an id names. `place` is a sequence number or a pack, `offset` is within the pack.
struct IdEntry {
  std::string_view id;
  IdKind kind = IdKind::tombstone;
  std::uint64_t place = 0;
  std::uint64_t offset = 0;
};

[[nodiscard]] std::uint64_t id_hash(std::string_view id);

class IdRun {
 public:
  static constexpr std::size_t kNoBlock = ~std::size_t{0};

  [[nodiscard]] bool may_contain(std::string_view id, std::uint64_t hash) const {
    return bloom_.may_contain(hash) && id >= first() && id <= last();
  }
  // The only block that can hold `id`: the last one that begins at or before it. kNoBlock when
  // `id` is before the first one.
  [[nodiscard]] std::size_t block_for(std::string_view id) const;
  [[nodiscard]] std::size_t blocks() const { return fence_ends_.size() - 1; }
  [[nodiscard]] std::uint64_t block_number(std::size_t index) const;

  [[nodiscard]] std::string_view first() const { return fence(0); }
  [[nodiscard]] std::string_view last() const { return fence(blocks()); }
  // The first id of a block; of blocks(): the run's last id.
  [[nodiscard]] std::string_view fence(std::size_t index) const {
    const std::size_t start = index == 0 ? 0 : fence_ends_[index - 1];
    return std::string_view(fences_).substr(start, fence_ends_[index] - start);
  }
  [[nodiscard]] std::uint64_t entries() const { return entries_; }
  [[nodiscard]] std::uint64_t tombstones() const { return tombstones_; }
  [[nodiscard]] const std::vector<BlockRange>& ranges() const { return ranges_; }
  [[nodiscard]] std::uint64_t number() const { return reference_.number; }
  [[nodiscard]] std::uint32_t level() const { return reference_.level; }
  [[nodiscard]] const BloomFilter& bloom() const { return bloom_; }

  // The bytes of part 1, 2 or 3, and the run made of them again. `corrupt` when they do not agree.
  static constexpr std::uint8_t kParts = 3;
  [[nodiscard]] std::string encode_part(std::uint8_t part) const;
  static Result<std::shared_ptr<const IdRun>> load(TableReader& reader, RunReference reference);
  // The key of a part, without the chunk.
  [[nodiscard]] static std::string part_key(std::uint64_t run, std::uint8_t part);

 private:
  friend class IdRunBuilder;
  Status decode_head(std::string_view bytes);
  Status decode_fences(std::string_view bytes);

  RunReference reference_;
  std::uint64_t entries_ = 0;
  std::uint64_t tombstones_ = 0;
  std::vector<BlockRange> ranges_;
  std::string fences_;                     // one after the other
  std::vector<std::uint32_t> fence_ends_;  // of each, and of the last id
  BloomFilter bloom_;
};

// Makes a run of entries that come in ascending order.
class IdRunBuilder {
 public:
  // Stores a block and answers its number; called once a block.
  using BlockSink = std::function<Result<std::uint64_t>(std::string_view block)>;

  explicit IdRunBuilder(std::uint64_t entries_max);
  Status add(const IdEntry& entry, const BlockSink& sink);
  // Writes the block begun, so that nothing but finished blocks is there.
  Status flush(const BlockSink& sink);
  // The run, after flush().
  [[nodiscard]] std::shared_ptr<const IdRun> finish(RunReference reference);
  [[nodiscard]] std::uint64_t entries() const { return run_->entries_; }
  [[nodiscard]] const std::vector<BlockRange>& ranges() const { return run_->ranges_; }

 private:
  // Hashes wait here while their lines of the filter come from memory.
  static constexpr std::size_t kPending = 16;
  void add_hash(std::uint64_t hash);

  std::shared_ptr<IdRun> run_;
  std::string block_;
  std::string last_id_;
  std::array<std::uint64_t, kPending> pending_{};
};

// Walks a run in id order, or finds single ids; ids asked in ascending order share blocks.
class IdRunCursor {
 public:
  // All outlive the cursor; the reader's snapshot has the run.
  IdRunCursor(TableReader& reader, const IdRun& run) : reader_(reader), run_(run) {}

  // Moves to the first entry not below `id`. False when there is none.
  Result<bool> seek(std::string_view id);
  Result<bool> next();
  // Valid until the next move.
  [[nodiscard]] const IdEntry& entry() const { return entry_; }
  [[nodiscard]] bool at_end() const { return at_end_; }
  // The present entry is the last one of its block.
  [[nodiscard]] bool at_block_end() const { return block_at_ == block_.size(); }

 private:
  Status load_block(std::size_t index);
  bool parse_entry();
  [[nodiscard]] Status block_fault(std::string_view what) const;

  TableReader& reader_;
  const IdRun& run_;
  std::size_t block_index_ = IdRun::kNoBlock;
  std::string block_;
  std::size_t block_at_ = 0;
  std::string id_;
  IdEntry entry_;
  bool at_end_ = false;
};

// Walks several runs, newest first, as one: the newest entry of each id, tombstones too.
class IdMergeCursor {
 public:
  // `runs` outlive the cursor.
  IdMergeCursor(TableReader& reader, const std::vector<std::shared_ptr<const IdRun>>& runs);
  Result<bool> seek(std::string_view id);
  Result<bool> next();
  [[nodiscard]] const IdEntry& entry() const { return cursors_[at_].entry(); }

 private:
  bool pick();

  std::vector<IdRunCursor> cursors_;
  std::size_t at_ = 0;
  std::string id_;
};

}  // namespace ingot::storage
