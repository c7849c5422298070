#include "storage/id_run.h"

#include <algorithm>

#include "core/assert.h"
#include "core/codec.h"
#include "core/hash.h"
#include "core/try.h"

namespace ingot::storage {
namespace {

// Part of the format: the filters depend on it.
constexpr std::uint64_t kIdHashSeed = 0x1d5;
// Beyond the id itself: three lengths, the kind and two numbers.
constexpr std::size_t kEntryOverhead = 3 + 3 + 1 + 10 + 10;
// Two lengths, the kind and a byte of the id.
constexpr std::size_t kEntryBytesMin = 4;
static_assert(kBlockBytes + 14 <= kValueBytesMax);
static_assert(kIdBytesMax + kEntryOverhead <= kBlockBytes);

std::size_t shared_prefix(std::string_view a, std::string_view b) {
  const std::size_t most = std::min(a.size(), b.size());
  std::size_t shared = 0;
  while (shared < most && a[shared] == b[shared]) ++shared;
  return shared;
}

}  // namespace

std::uint64_t id_hash(std::string_view id) { return hash64(id, kIdHashSeed); }

std::size_t IdRun::block_for(std::string_view id) const {
  std::size_t low = 0;
  std::size_t high = blocks();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (fence(middle) <= id) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low == 0 ? kNoBlock : low - 1;
}

std::uint64_t IdRun::block_number(std::size_t index) const {
  for (const BlockRange& range : ranges_) {
    if (index < range.count) return range.first + index;
    index -= range.count;
  }
  INGOT_ASSERT(false, index);
  return 0;
}

std::string IdRun::part_key(std::uint64_t run, std::uint8_t part) {
  std::string key;
  append_big_endian64(key, run);
  put_u8(key, part);
  return key;
}

std::string IdRun::encode_part(std::uint8_t part) const {
  std::string out;
  if (part == 1) {
    put_varint(out, entries_);
    put_varint(out, tombstones_);
    put_varint(out, ranges_.size());
    for (const BlockRange& range : ranges_) {
      put_varint(out, range.first);
      put_varint(out, range.count);
    }
  } else if (part == 2) {
    out.reserve(fences_.size() + fence_ends_.size() * 2);
    for (std::size_t i = 0; i <= blocks(); ++i) put_bytes(out, fence(i));
  } else {
    out = bloom_.bytes();
  }
  return out;
}

Status IdRun::decode_head(std::string_view bytes) {
  Reader reader(bytes);
  entries_ = reader.varint();
  tombstones_ = reader.varint();
  for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) {
    BlockRange range;
    range.first = reader.varint();
    range.count = reader.varint();
    ranges_.push_back(range);
  }
  if (!reader.finished()) return {StatusCode::corrupt, "the head does not parse"};
  return {};
}

Status IdRun::decode_fences(std::string_view bytes) {
  Reader reader(bytes);
  fences_.reserve(bytes.size());
  while (reader.more()) {
    fences_.append(reader.bytes());
    fence_ends_.push_back(static_cast<std::uint32_t>(fences_.size()));
  }
  std::uint64_t owned = 0;
  for (const BlockRange& range : ranges_) owned += range.count;
  if (!reader.finished() || fence_ends_.size() < 2 || owned != blocks()) {
    return {StatusCode::corrupt, "the fences do not match the blocks"};
  }
  // Filters are made for as many entries as runs say they have.
  if (entries_ < owned || entries_ > owned * (kBlockBytes / kEntryBytesMin) ||
      tombstones_ > entries_) {
    return {StatusCode::corrupt, "more or fewer entries than its blocks can have"};
  }
  return {};
}

Result<std::shared_ptr<const IdRun>> IdRun::load(TableReader& reader, RunReference reference) {
  auto run = std::make_shared<IdRun>();
  run->reference_ = reference;
  for (std::uint8_t part = 1; part <= kParts; ++part) {
    const std::string key = part_key(reference.number, part);
    INGOT_ASSIGN(const auto bytes, reader.get_chunked(Table::run_parts, key));
    if (!bytes) return reader.value_fault(Table::run_parts, key, "missing");
    Status status;
    if (part == 1) {
      status = run->decode_head(*bytes);
    } else if (part == 2) {
      status = run->decode_fences(*bytes);
    } else if (!BloomFilter::parse(*bytes, run->bloom_)) {
      status = {StatusCode::corrupt, "the filter is cut off"};
    }
    if (!status.ok()) return reader.value_fault(Table::run_parts, key, status.message());
  }
  return std::shared_ptr<const IdRun>(std::move(run));
}

IdRunBuilder::IdRunBuilder(std::uint64_t entries_max) : run_(std::make_shared<IdRun>()) {
  run_->bloom_ = BloomFilter(entries_max);
}

Status IdRunBuilder::add(const IdEntry& entry, const BlockSink& sink) {
  std::size_t shared = block_.empty() ? 0 : shared_prefix(last_id_, entry.id);
  if (!block_.empty() && block_.size() + entry.id.size() - shared + kEntryOverhead > kBlockBytes) {
    INGOT_TRY(flush(sink));
    shared = 0;
  }
  if (block_.empty()) {
    run_->fences_.append(entry.id);
    run_->fence_ends_.push_back(static_cast<std::uint32_t>(run_->fences_.size()));
  }
  put_varint(block_, shared);
  put_bytes(block_, entry.id.substr(shared));
  put_u8(block_, static_cast<std::uint8_t>(entry.kind));
  if (entry.kind != IdKind::tombstone) put_varint(block_, entry.place);
  if (entry.kind == IdKind::record) put_varint(block_, entry.offset);
  last_id_.assign(entry.id);
  add_hash(id_hash(entry.id));
  if (entry.kind == IdKind::tombstone) ++run_->tombstones_;
  return {};
}

void IdRunBuilder::add_hash(std::uint64_t hash) {
  std::uint64_t& slot = pending_[run_->entries_ % kPending];
  if (run_->entries_ >= kPending) run_->bloom_.add(slot);
  slot = hash;
  run_->bloom_.prefetch(hash);
  ++run_->entries_;
}

Status IdRunBuilder::flush(const BlockSink& sink) {
  if (block_.empty()) return {};
  INGOT_ASSIGN(const std::uint64_t number, sink(block_));
  auto& ranges = run_->ranges_;
  if (!ranges.empty() && ranges.back().first + ranges.back().count == number) {
    ++ranges.back().count;
  } else {
    ranges.push_back({number, 1});
  }
  block_.clear();
  return {};
}

std::shared_ptr<const IdRun> IdRunBuilder::finish(RunReference reference) {
  INGOT_ASSERT(block_.empty() && run_->entries_ > 0, run_->entries_);
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(kPending, run_->entries_); ++i) {
    run_->bloom_.add(pending_[i]);
  }
  run_->reference_ = reference;
  run_->fences_.append(last_id_);
  run_->fence_ends_.push_back(static_cast<std::uint32_t>(run_->fences_.size()));
  return std::move(run_);
}

Status IdRunCursor::block_fault(std::string_view what) const {
  std::string key;
  append_big_endian64(key, run_.block_number(block_index_));
  return reader_.value_fault(Table::id_blocks, key, what);
}

Status IdRunCursor::load_block(std::size_t index) {
  block_index_ = index;
  block_at_ = 0;
  id_.clear();
  std::string key;
  append_big_endian64(key, run_.block_number(index));
  INGOT_ASSIGN(const auto value, reader_.get(Table::id_blocks, key));
  if (!value) return block_fault("missing");
  block_.assign(value->payload);
  if (!parse_entry() || entry_.id != run_.fence(index)) {
    return block_fault("does not begin with its fence");
  }
  return {};
}

// Reads the entry at block_at_; false when the block does not parse there.
bool IdRunCursor::parse_entry() {
  Reader reader(std::string_view(block_).substr(block_at_));
  const std::uint64_t shared = reader.varint();
  const std::string_view rest = reader.bytes();
  const std::uint8_t kind = reader.u8();
  if (!reader.ok() || shared > id_.size() || kind > static_cast<std::uint8_t>(IdKind::record)) {
    return false;
  }
  entry_.kind = static_cast<IdKind>(kind);
  entry_.place = entry_.kind == IdKind::tombstone ? 0 : reader.varint();
  entry_.offset = entry_.kind == IdKind::record ? reader.varint() : 0;
  if (!reader.ok()) return false;
  id_.resize(shared);
  id_.append(rest);
  entry_.id = id_;
  block_at_ = block_.size() - reader.remaining();
  return true;
}

Result<bool> IdRunCursor::seek(std::string_view id) {
  std::size_t index = run_.block_for(id);
  if (index == IdRun::kNoBlock) index = 0;
  at_end_ = false;
  // Within the block at hand it goes on from where it stands.
  if (index != block_index_ || entry_.id > id) INGOT_TRY(load_block(index));
  while (entry_.id < id) {
    INGOT_ASSIGN(const bool more, next());
    if (!more) return false;
  }
  return true;
}

Result<bool> IdRunCursor::next() {
  if (block_at_ < block_.size()) {
    if (!parse_entry()) return block_fault("does not parse");
    return true;
  }
  if (block_index_ + 1 >= run_.blocks()) {
    at_end_ = true;
    block_index_ = IdRun::kNoBlock;
    return false;
  }
  INGOT_TRY(load_block(block_index_ + 1));
  return true;
}

IdMergeCursor::IdMergeCursor(TableReader& reader,
                             const std::vector<std::shared_ptr<const IdRun>>& runs) {
  cursors_.reserve(runs.size());
  for (const auto& run : runs) cursors_.emplace_back(reader, *run);
}

// The smallest id; among equals the newest run's entry.
bool IdMergeCursor::pick() {
  at_ = cursors_.size();
  for (std::size_t i = 0; i < cursors_.size(); ++i) {
    if (cursors_[i].at_end()) continue;
    if (at_ == cursors_.size() || cursors_[i].entry().id < cursors_[at_].entry().id) at_ = i;
  }
  return at_ != cursors_.size();
}

Result<bool> IdMergeCursor::seek(std::string_view id) {
  for (IdRunCursor& cursor : cursors_) INGOT_TRY(cursor.seek(id).take_status());
  return pick();
}

Result<bool> IdMergeCursor::next() {
  id_.assign(entry().id);
  for (IdRunCursor& cursor : cursors_) {
    if (cursor.at_end() || cursor.entry().id != id_) continue;
    INGOT_TRY(cursor.next().take_status());
  }
  return pick();
}

}  // namespace ingot::storage
