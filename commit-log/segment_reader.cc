#include "commit-log/segment_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/assert.h"
#include "core/try.h"

namespace ingot::log {
namespace {

constexpr std::uint64_t kReadBytes = 1U << 20;

}  // namespace

SegmentReader::~SegmentReader() {
  if (file_.value != 0) io_.close(file_);
}

Status SegmentReader::open(const std::string& path) {
  INGOT_ASSERT(file_.value == 0);
  path_ = path;
  INGOT_ASSIGN(file_, io_.open(path));
  INGOT_ASSIGN(context_.segment_bytes, io_.size(file_));
  if (context_.segment_bytes < 2 * kBlockBytes || context_.segment_bytes % kBlockBytes != 0) {
    return Status(StatusCode::corrupt, path + ": a segment can't have " +
                                           std::to_string(context_.segment_bytes) + " bytes");
  }
  return {};
}

FileHandle SegmentReader::release() { return std::exchange(file_, FileHandle()); }

Result<std::span<const char>> SegmentReader::bytes(std::uint64_t offset, std::uint64_t size) {
  INGOT_ASSERT(offset + size <= context_.segment_bytes, offset, size, context_.segment_bytes);
  const std::uint64_t window_end = window_offset_ + window_.size();
  if (offset < window_offset_ || offset + size > window_end) {
    std::uint64_t kept = 0;
    if (offset >= window_offset_ && offset < window_end) {
      kept = window_end - offset;
      std::memmove(window_.data(), window_.data() + (offset - window_offset_), kept);
    }
    const std::uint64_t wanted =
        std::min(std::max(size, kReadBytes), context_.segment_bytes - offset);
    window_.resize(wanted);
    window_offset_ = offset;
    auto got = io_.read(file_, {window_.data() + kept, wanted - kept}, offset + kept);
    if (!got.ok() || *got != wanted - kept) {
      window_.clear();
      if (!got.ok()) return got.take_status();
      return Status(StatusCode::io_error, path_ + ": the file ends while it is read");
    }
  }
  return std::span<const char>(window_.data() + (offset - window_offset_), size);
}

Result<FoundFrame> SegmentReader::at(std::uint64_t offset) {
  FoundFrame found;
  INGOT_ASSIGN(const auto block, bytes(offset, kBlockBytes));
  found.header = load_header(block);
  if (found.header.magic != kFrameMagic) return found;
  // A header lies within one sector, so a torn write leaves it whole or not at all: one that knows
  // another size of its segment was written when the file had that size. Another version may say
  // something else in that place.
  if (found.header.version == kFrameVersion && claims_segment(found.header, context_) &&
      found.header.segment_blocks * kBlockBytes != context_.segment_bytes) {
    found.kind = FrameKind::misplaced;
    return found;
  }
  const std::uint64_t size = claimed_bytes(found.header, context_, offset);
  if (size == 0) {
    found.kind = FrameKind::damaged;
    return found;
  }
  INGOT_ASSIGN(found.bytes, bytes(offset, size));
  found.kind = judge_frame(found.header, found.bytes, context_, offset);
  return found;
}

Result<TailScan> SegmentReader::scan(std::uint64_t bad, Position expected) {
  TailScan result;
  result.remnants_end = bad;
  for (std::uint64_t offset = bad; offset < context_.segment_bytes; offset += kBlockBytes) {
    INGOT_ASSIGN(const auto block, bytes(offset, kBlockBytes));
    const FrameHeader header = load_header(block);
    if (!claims_segment(header, context_)) continue;
    result.remnants_end = offset + kBlockBytes;
    if (offset == bad) continue;
    INGOT_ASSIGN(const FoundFrame found, at(offset));
    // A sound frame says what it says wherever it lies: a misdirected one proves as much.
    const bool sound = found.kind == FrameKind::valid || found.kind == FrameKind::newer ||
                       (found.kind == FrameKind::misplaced && !found.bytes.empty());
    if (!sound) continue;
    // A frame of the same write as the bad spot proves nothing; one of a later write does.
    if (found.kind == FrameKind::newer || header.write_offset > bad ||
        header.durable_position >= expected.value) {
      result.proves_durable = true;
      result.proof_offset = offset;
      return result;
    }
  }
  return result;
}

Result<std::uint64_t> SegmentReader::next_valid(std::uint64_t offset, FrameHeader& header) {
  for (offset += kBlockBytes; offset < context_.segment_bytes; offset += kBlockBytes) {
    INGOT_ASSIGN(const FoundFrame found, at(offset));
    if (found.kind == FrameKind::valid) {
      header = found.header;
      return offset;
    }
  }
  return context_.segment_bytes;
}

}  // namespace ingot::log
