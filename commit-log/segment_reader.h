#pragma once

// SegmentReader: walks the frames of one segment file, and judges what it finds. It decides
// nothing: recovery and the log's reader do.

#include <string>

#include "commit-log/frame.h"
#include "commit-log/io.h"
#include "core/aligned_buffer.h"

namespace ingot::log {

struct FoundFrame {
  FrameKind kind = FrameKind::absent;
  FrameHeader header;
  std::span<const char> bytes;  // of the whole frame, when its checksum was looked at; until the
                                // next call
};

// What lies past a bad spot.
struct TailScan {
  bool proves_durable = false;  // a later frame could not exist had the bad spot not been durable
  std::uint64_t proof_offset = 0;
  std::uint64_t remnants_end = 0;  // the end of the last block that claims to start a frame of this
                                   // segment; the bad spot itself when there is none
};

class SegmentReader {
 public:
  // `io` outlives the reader. The context's size is taken from the file.
  SegmentReader(Io& io, FrameContext context) : io_(io), context_(context) {}
  ~SegmentReader();
  SegmentReader(const SegmentReader&) = delete;
  SegmentReader& operator=(const SegmentReader&) = delete;

  // `corrupt` when the size can't be a segment's.
  Status open(const std::string& path);
  // Hands the open file over to the caller.
  [[nodiscard]] FileHandle release();
  [[nodiscard]] const FrameContext& context() const { return context_; }
  [[nodiscard]] const std::string& path() const { return path_; }

  // What starts at `offset`. A failure is a read error.
  [[nodiscard]] Result<FoundFrame> at(std::uint64_t offset);
  // Looks at every block from `bad` on. `expected` is the position that the bad spot should hold.
  [[nodiscard]] Result<TailScan> scan(std::uint64_t bad, Position expected);
  // The offset of the next valid frame after `offset`, with its header, or the segment's size.
  [[nodiscard]] Result<std::uint64_t> next_valid(std::uint64_t offset, FrameHeader& header);

 private:
  // A view of [offset, offset + size), which lies inside the file.
  [[nodiscard]] Result<std::span<const char>> bytes(std::uint64_t offset, std::uint64_t size);

  Io& io_;
  FrameContext context_;
  std::string path_;
  FileHandle file_;
  AlignedBuffer window_;
  std::uint64_t window_offset_ = 0;
};

}  // namespace ingot::log
