#include "commit-log/batch.h"

#include <cstring>

#include "core/assert.h"

namespace ingot::log {
namespace {

std::size_t varint_bytes(std::uint64_t value) {
  std::size_t size = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++size;
  }
  return size;
}

}  // namespace

void Batch::begin_frame(Position first) {
  FrameSpan span;
  span.offset = bytes_.size();
  span.first = first;
  frames_.push_back(span);
  bytes_.append_zeros(kHeaderBytes);
  building_ = true;
}

void Batch::append(Position position, std::string_view fact) {
  INGOT_ASSERT(fact.size() <= kFactBytesMax, fact.size());
  const std::size_t prefix = varint_bytes(fact.size());
  const std::uint64_t added = prefix + fact.size();
  if (building_ && frames_.back().stored_bytes + added > payload_bytes_max_) close();
  if (!building_) begin_frame(position);
  FrameSpan& span = frames_.back();
  INGOT_ASSERT(position.value == span.first.value + span.count, position.value, span.first.value);
  const std::size_t at = bytes_.size();
  bytes_.resize(at + added);
  char* to = bytes_.data() + at;
  std::uint64_t length = fact.size();
  while (length >= 0x80) {
    *to++ = static_cast<char>(length | 0x80);
    length >>= 7;
  }
  *to++ = static_cast<char>(length);
  if (!fact.empty()) std::memcpy(to, fact.data(), fact.size());
  span.stored_bytes += added;
  span.raw_bytes += added;
  ++span.count;
  raw_bytes_ += added;
}

void Batch::add_frame(const FrameSpan& like, std::string_view stored, std::uint16_t flags) {
  INGOT_ASSERT(!building_);
  FrameSpan span = like;
  span.offset = bytes_.size();
  span.stored_bytes = stored.size();
  span.flags = flags;
  frames_.push_back(span);
  bytes_.append_zeros(kHeaderBytes);
  bytes_.append(stored);
  raw_bytes_ += span.raw_bytes;
  building_ = true;
  close();
}

void Batch::close() {
  if (!building_) return;
  building_ = false;
  bytes_.append_zeros(round_to_blocks(bytes_.size()) - bytes_.size());
}

void Batch::clear() {
  // A burst must not hold its memory for ever.
  if (bytes_.capacity() > 8 * payload_bytes_max_) bytes_ = AlignedBuffer();
  bytes_.clear();
  frames_.clear();
  raw_bytes_ = 0;
  building_ = false;
}

}  // namespace ingot::log
