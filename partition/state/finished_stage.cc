#include "partition/state/finished_stage.h"

#include <algorithm>
#include <cstring>

namespace ingot::partition {

FinishedRecord FinishedRecords::read(const char* at) {
  std::uint32_t id_bytes = 0;
  std::uint32_t row_bytes = 0;
  std::memcpy(&id_bytes, at, sizeof id_bytes);
  std::memcpy(&row_bytes, at + sizeof id_bytes, sizeof row_bytes);
  return {{at + kHeaderBytes, id_bytes}, {at + kHeaderBytes + id_bytes, row_bytes}};
}

FinishedRecord FinishedRecords::add(std::uint64_t id_hash, std::string_view id,
                                    std::string_view row) {
  const std::size_t bytes = kHeaderBytes + id.size() + row.size();
  if (chunks_.empty() || chunks_.back().capacity - chunks_.back().used < bytes) {
    const std::size_t capacity = std::max(bytes, kChunkBytes);
    chunks_.push_back({std::make_unique_for_overwrite<char[]>(capacity), 0, capacity});
    chunk_bytes_ += capacity;
  }
  Chunk& chunk = chunks_.back();
  char* at = chunk.bytes.get() + chunk.used;
  const auto id_bytes = static_cast<std::uint32_t>(id.size());
  const auto row_bytes = static_cast<std::uint32_t>(row.size());
  std::memcpy(at, &id_bytes, sizeof id_bytes);
  std::memcpy(at + sizeof id_bytes, &row_bytes, sizeof row_bytes);
  std::memcpy(at + kHeaderBytes, id.data(), id.size());
  // A tombstone's row may have no address at all.
  if (!row.empty()) std::memcpy(at + kHeaderBytes + id.size(), row.data(), row.size());
  chunk.used += bytes;
  const char* older =
      index_.find(id_hash, [&](const char* candidate) { return read(candidate).id == id; });
  if (older != nullptr) index_.erase(id_hash, older);
  index_.insert(id_hash, at);
  return read(at);
}

FinishedRecord FinishedRecords::find(std::uint64_t id_hash, std::string_view id) const {
  const char* at =
      index_.find(id_hash, [&](const char* candidate) { return read(candidate).id == id; });
  return at == nullptr ? FinishedRecord{} : read(at);
}

FinishedRecord FinishedRecords::next(FinishedPlace& place) const {
  while (place.chunk < chunks_.size()) {
    const Chunk& chunk = chunks_[place.chunk];
    if (place.at < chunk.used) {
      const FinishedRecord record = read(chunk.bytes.get() + place.at);
      place.at += kHeaderBytes + record.id.size() + record.row.size();
      return record;
    }
    if (place.chunk + 1 == chunks_.size()) break;
    ++place.chunk;
    place.at = 0;
  }
  return {};
}

}  // namespace ingot::partition
