#pragma once

// FinishedStage: the records of instances that ended since the last committed checkpoint.
//
// Also the tombstones of those that were purged since then: records without a row. The last record
// of an id is what counts; earlier ones of it stay where they lie.
//
// Records are immutable and lie one after the other in large chunks, so that finishing costs one
// copy and a checkpoint takes the whole stage without touching a record. Sealing starts a new
// generation; the sealed one stays readable until the checkpoint that holds it has been committed.
//
// One thread writes. A sealed generation is immutable and may be read by the checkpoint thread at
// the same time; freeing it (thousands of chunks) is that thread's job too.

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "partition/state/flat_index.h"

namespace ingot::partition {

// One finished instance: views into a chunk.
struct FinishedRecord {
  std::string_view id;
  std::string_view row;  // empty: a tombstone

  [[nodiscard]] bool purged() const { return !id.empty() && row.empty(); }
};

// A place between two records of a generation.
struct FinishedPlace {
  std::size_t chunk = 0;
  std::size_t at = 0;  // in the chunk
};

class FinishedRecords {
 public:
  // The stored record, stable until the object is destroyed.
  FinishedRecord add(std::uint64_t id_hash, std::string_view id, std::string_view row);
  // An empty id when there is none.
  [[nodiscard]] FinishedRecord find(std::uint64_t id_hash, std::string_view id) const;
  [[nodiscard]] std::size_t count() const { return index_.size(); }
  [[nodiscard]] std::size_t memory_bytes() const { return chunk_bytes_ + index_.memory_bytes(); }

  // The record behind `place`, which moves on; an empty id at the end, where more may come later.
  [[nodiscard]] FinishedRecord next(FinishedPlace& place) const;
  // A place such that `is_before`, which is true for some first records and for no others, is true
  // for all before it. Looks at one record a chunk.
  template <typename IsBefore>
  [[nodiscard]] FinishedPlace skip(IsBefore&& is_before) const {
    FinishedPlace place;
    for (std::size_t chunk = 1; chunk < chunks_.size(); ++chunk) {
      const FinishedRecord first = read(chunks_[chunk].bytes.get());
      if (first.purged()) continue;
      if (!is_before(first)) break;
      place.chunk = chunk;
    }
    return place;
  }

  // Calls `visit(FinishedRecord)` in the order of finishing.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (const Chunk& chunk : chunks_) {
      for (std::size_t at = 0; at < chunk.used;) {
        const FinishedRecord record = read(chunk.bytes.get() + at);
        visit(record);
        at += kHeaderBytes + record.id.size() + record.row.size();
      }
    }
  }

 private:
  static constexpr std::size_t kHeaderBytes = 8;
  static constexpr std::size_t kChunkBytes = 256U << 10;

  struct Chunk {
    std::unique_ptr<char[]> bytes;
    std::size_t used = 0;
    std::size_t capacity = 0;
  };

  static FinishedRecord read(const char* at);

  std::vector<Chunk> chunks_;
  FlatIndex<const char*> index_;
  std::size_t chunk_bytes_ = 0;
};

class FinishedStage {
 public:
  FinishedStage() : current_(std::make_unique<FinishedRecords>()) {}

  FinishedRecord add(std::uint64_t id_hash, std::string_view id, std::string_view row) {
    return current_->add(id_hash, id, row);
  }
  [[nodiscard]] FinishedRecord find(std::uint64_t id_hash, std::string_view id) const {
    const FinishedRecord record = current_->find(id_hash, id);
    return record.id.empty() && sealed_ ? sealed_->find(id_hash, id) : record;
  }
  // Ends the generation; none may be sealed. The view stays valid until release().
  const FinishedRecords& seal() {
    INGOT_ASSERT(sealed_ == nullptr);
    sealed_ = std::exchange(current_, std::make_unique<FinishedRecords>());
    return *sealed_;
  }
  // The checkpoint holds the sealed generation: the caller destroys it where it hurts no one.
  [[nodiscard]] std::unique_ptr<FinishedRecords> release() { return std::move(sealed_); }

  [[nodiscard]] const FinishedRecords& current() const { return *current_; }
  [[nodiscard]] const FinishedRecords* sealed() const { return sealed_.get(); }
  [[nodiscard]] std::size_t memory_bytes() const {
    return current_->memory_bytes() + (sealed_ ? sealed_->memory_bytes() : 0);
  }

 private:
  std::unique_ptr<FinishedRecords> current_;
  std::unique_ptr<FinishedRecords> sealed_;
};

}  // namespace ingot::partition
