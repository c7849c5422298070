#include "commit-log/frame.h"

#include <zstd.h>

#include <cstring>

#include "core/assert.h"
#include "core/hash.h"
#include "core/out_of_memory.h"
#include "core/planted_bug.h"

namespace ingot::log {
namespace {

std::uint64_t checksum_of(std::span<const char> frame) {
  constexpr std::size_t skipped = sizeof(FrameHeader::checksum);
  return hash64(std::string_view(frame.data() + skipped, frame.size() - skipped));
}

}  // namespace

std::uint64_t seal_frame(FrameHeader header, std::span<char> frame) {
  INGOT_ASSERT(frame.size() == frame_bytes(header.stored_bytes), frame.size(), header.stored_bytes);
  INGOT_ASSERT(header.durable_position < header.first_position, header.durable_position,
               header.first_position);
  std::memcpy(frame.data(), &header, sizeof header);
  header.checksum = checksum_of(frame);
  std::memcpy(frame.data(), &header.checksum, sizeof header.checksum);
  return header.checksum;
}

FrameHeader load_header(std::span<const char> block) {
  INGOT_ASSERT(block.size() >= kHeaderBytes, block.size());
  FrameHeader header;
  std::memcpy(&header, block.data(), sizeof header);
  return header;
}

bool claims_segment(const FrameHeader& header, const FrameContext& context) {
  return header.magic == kFrameMagic && header.hub_id == context.hub_id &&
         header.partition == context.partition.value && header.segment_id == context.segment_id;
}

std::uint64_t claimed_bytes(const FrameHeader& header, const FrameContext& context,
                            std::uint64_t offset) {
  if (header.magic != kFrameMagic || offset >= context.segment_bytes) return 0;
  const std::uint64_t bytes = frame_bytes(header.stored_bytes);
  return bytes <= context.segment_bytes - offset ? bytes : 0;
}

FrameKind judge_frame(const FrameHeader& header, std::span<const char> frame,
                      const FrameContext& context, std::uint64_t offset) {
  if (header.magic != kFrameMagic) return FrameKind::absent;
  if (frame.size() != frame_bytes(header.stored_bytes)) return FrameKind::damaged;
  if (checksum_of(frame) != header.checksum && !INGOT_PLANTED(kTrustFrames)) {
    return FrameKind::damaged;
  }
  // From here on the frame is what somebody wrote.
  if (header.version != kFrameVersion) return FrameKind::newer;
  if (header.hub_id != context.hub_id || header.partition != context.partition.value) {
    return FrameKind::foreign;
  }
  if (header.segment_id != context.segment_id && !INGOT_PLANTED(kAcceptStaleFrames)) {
    return FrameKind::stale;
  }
  if (INGOT_PLANTED(kAcceptMisplacedFrames)) return FrameKind::valid;
  if (header.offset != offset || header.write_offset > offset ||
      header.segment_blocks * kBlockBytes != context.segment_bytes) {
    return FrameKind::misplaced;
  }
  return FrameKind::valid;
}

std::string describe(FrameKind kind, const FrameHeader& header) {
  switch (kind) {
    case FrameKind::valid:
      return "a valid frame";
    case FrameKind::absent:
      return "no frame";
    case FrameKind::stale:
      return "a frame of segment " + std::to_string(header.segment_id) +
             ", an earlier use of the file";
    case FrameKind::damaged:
      return "a frame whose checksum or length is wrong";
    case FrameKind::foreign:
      return "a frame of hub " + std::to_string(header.hub_id) + ", partition " +
             std::to_string(header.partition);
    case FrameKind::newer:
      return "a frame of format version " + std::to_string(header.version) +
             "; this build knows version " + std::to_string(kFrameVersion);
    case FrameKind::misplaced:
      return "a frame written for offset " + std::to_string(header.offset) + " of a segment of " +
             std::to_string(header.segment_blocks * kBlockBytes) + " bytes";
  }
  return "an unnamed fault";
}

FramePayload::~FramePayload() { ZSTD_freeDCtx(static_cast<ZSTD_DCtx*>(context_)); }

Result<std::string_view> FramePayload::open(const FrameHeader& header,
                                            std::span<const char> frame) {
  const std::string_view stored(frame.data() + kHeaderBytes, header.stored_bytes);
  if ((header.flags & kFlagZstd) == 0) {
    if (header.raw_bytes != header.stored_bytes) {
      return Status(StatusCode::corrupt, "the two lengths of a plain payload differ");
    }
    return stored;
  }
  // Memory is taken for what can be there only: the zstd frame has to say the same size, and has no
  // block of less than 4 bytes.
  constexpr std::uint64_t kBlockRawBytesMax = 128U << 10;
  constexpr std::uint64_t kBlockStoredBytesMin = 4;
  if (ZSTD_getFrameContentSize(stored.data(), stored.size()) != header.raw_bytes ||
      header.raw_bytes > stored.size() * (kBlockRawBytesMax / kBlockStoredBytesMin)) {
    return Status(StatusCode::corrupt, "the payload can't decompress to its length");
  }
  if (context_ == nullptr) context_ = ZSTD_createDCtx();
  if (context_ == nullptr) return resource_failure("unpacking a frame", "out of memory");
  if (raw_.size() < header.raw_bytes) raw_.resize(header.raw_bytes);
  const std::size_t size = ZSTD_decompressDCtx(static_cast<ZSTD_DCtx*>(context_), raw_.data(),
                                               header.raw_bytes, stored.data(), stored.size());
  if (ZSTD_isError(size) != 0 || size != header.raw_bytes) {
    return Status(StatusCode::corrupt, "the payload does not decompress to its length");
  }
  return std::string_view(raw_.data(), size);
}

}  // namespace ingot::log
