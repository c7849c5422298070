#pragma once

// The frame: one header and the facts of one batch, padded to whole blocks. FORMAT.md has the
// grammar and the reasons. Everything read from a disk is checked here before it is believed; a
// frame is believed only when its checksum holds and it names the very place where it lies.

#include <ingot/ids.h>
#include <ingot/status.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ingot::log {

inline constexpr std::uint64_t kBlockBytes = 4096;
inline constexpr std::uint32_t kFrameMagic = 0x46474E49;  // "INGF"
inline constexpr std::uint16_t kFrameVersion = 1;
inline constexpr std::uint16_t kFlagZstd = 1;
// A fact may be this long; the owner enforces far smaller limits.
inline constexpr std::uint64_t kFactBytesMax = 1ULL << 30;

// As it lies on disk, little endian.
struct FrameHeader {
  std::uint64_t checksum = 0;  // XXH3-64 of everything after this field, padding included
  std::uint32_t magic = kFrameMagic;
  std::uint16_t version = kFrameVersion;
  std::uint16_t flags = 0;
  std::uint32_t stored_bytes = 0;  // of the payload in the file
  std::uint32_t raw_bytes = 0;     // of the payload once decompressed
  std::uint64_t hub_id = 0;
  std::uint32_t partition = 0;
  std::uint32_t count = 0;             // facts; 0 in a watermark
  std::uint64_t segment_id = 0;        // the first position in the segment's name
  std::uint64_t epoch = 0;             // of the incarnation that wrote it
  std::uint64_t first_position = 0;    // of the first fact, or the next one to come
  std::uint64_t durable_position = 0;  // when it was written
  std::uint64_t previous = 0;          // the checksum of the frame before it, 0 at the very first
  std::uint64_t offset = 0;            // of this frame in its segment
  std::uint64_t write_offset = 0;      // of the first frame of the same write
  std::uint32_t segment_blocks = 0;    // the size of the segment
  std::uint32_t reserved = 0;
};
static_assert(sizeof(FrameHeader) == 104);
inline constexpr std::uint64_t kHeaderBytes = sizeof(FrameHeader);

[[nodiscard]] constexpr std::uint64_t round_to_blocks(std::uint64_t bytes) {
  return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}
// The whole of a frame whose payload takes `stored_bytes`.
[[nodiscard]] constexpr std::uint64_t frame_bytes(std::uint64_t stored_bytes) {
  return round_to_blocks(kHeaderBytes + stored_bytes);
}

// Writes `header` to the front of `frame` (header, payload, zeroed padding) with the checksum of
// the whole; returns that checksum.
std::uint64_t seal_frame(FrameHeader header, std::span<char> frame);

// What one partition's reader expects of the frames in a segment.
struct FrameContext {
  std::uint64_t hub_id = 0;
  PartitionId partition;
  std::uint64_t segment_id = 0;
  std::uint64_t segment_bytes = 0;
};

enum class FrameKind : std::uint8_t {
  valid,
  absent,     // no frame starts here
  stale,      // a sound frame of an earlier use of this file
  damaged,    // looks like a frame, and its checksum or its length is wrong
  foreign,    // a sound frame of another hub or partition
  newer,      // a sound frame of a format that this build does not know
  misplaced,  // a sound frame of this segment that belongs elsewhere, or the file changed its size
};

// The header in the first bytes of `block` (at least kHeaderBytes of them), unchecked.
[[nodiscard]] FrameHeader load_header(std::span<const char> block);
// True when the header claims to belong to this segment, whatever its checksum says.
[[nodiscard]] bool claims_segment(const FrameHeader& header, const FrameContext& context);
// Bytes that the frame takes if its length is to be believed; 0 when it can't be.
[[nodiscard]] std::uint64_t claimed_bytes(const FrameHeader& header, const FrameContext& context,
                                          std::uint64_t offset);
// Judges `frame` (claimed_bytes() long) read at `offset`.
[[nodiscard]] FrameKind judge_frame(const FrameHeader& header, std::span<const char> frame,
                                    const FrameContext& context, std::uint64_t offset);
// What is wrong, for a message.
[[nodiscard]] std::string describe(FrameKind kind, const FrameHeader& header);

// The facts of a valid frame, decompressed where need be.
class FramePayload {
 public:
  FramePayload() = default;
  ~FramePayload();
  FramePayload(const FramePayload&) = delete;
  FramePayload& operator=(const FramePayload&) = delete;

  // `frame` outlives the use of the result; `corrupt` when it can't be decompressed.
  [[nodiscard]] Result<std::string_view> open(const FrameHeader& header,
                                              std::span<const char> frame);

 private:
  std::string raw_;
  void* context_ = nullptr;  // ZSTD_DCtx
};

}  // namespace ingot::log
