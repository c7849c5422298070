#pragma once

// Batch: the frames of the next write, built in place so that each fact is copied once.
//
// The buffer holds whole frames one after the other: header space, payload, zeroed padding. The
// headers are filled in when the write is submitted, since only then the place, the previous
// checksum and the durable position are known.
//
// Invariant: every frame but the one being built is padded to whole blocks; no frame is empty; a
// frame's payload exceeds the limit only when it is a single fact.

#include <string_view>
#include <vector>

#include "commit-log/frame.h"
#include "core/aligned_buffer.h"

namespace ingot::log {

struct FrameSpan {
  std::uint64_t offset = 0;        // in the batch
  std::uint64_t stored_bytes = 0;  // of the payload
  std::uint64_t raw_bytes = 0;
  Position first;
  std::uint32_t count = 0;
  std::uint16_t flags = 0;
};

class Batch {
 public:
  explicit Batch(std::uint64_t payload_bytes_max) : payload_bytes_max_(payload_bytes_max) {}

  // Adds the fact at `position`, the one after the last fact.
  void append(Position position, std::string_view fact);
  // Adds a finished frame with `stored` as its payload; what compression makes.
  void add_frame(const FrameSpan& like, std::string_view stored, std::uint16_t flags);
  // Pads the frame being built; the batch takes no more facts then.
  void close();
  void clear();

  [[nodiscard]] bool empty() const { return frames_.empty(); }
  // Of all frames as they lie in the buffer; the last one may not be padded yet.
  [[nodiscard]] std::uint64_t size() const { return bytes_.size(); }
  // Of that, the frame that further facts may join.
  [[nodiscard]] std::uint64_t open_bytes() const {
    return building_ ? bytes_.size() - frames_.back().offset : 0;
  }
  // Payload bytes of all frames before compression.
  [[nodiscard]] std::uint64_t raw_bytes() const { return raw_bytes_; }
  [[nodiscard]] const std::vector<FrameSpan>& frames() const { return frames_; }
  [[nodiscard]] std::uint64_t bytes_of(std::size_t frame) const {
    return frame_bytes(frames_[frame].stored_bytes);
  }
  [[nodiscard]] std::span<char> frame(std::size_t index) {
    return {bytes_.data() + frames_[index].offset, bytes_of(index)};
  }
  [[nodiscard]] std::string_view payload(std::size_t index) const {
    return {bytes_.data() + frames_[index].offset + kHeaderBytes, frames_[index].stored_bytes};
  }

 private:
  void begin_frame(Position first);

  std::uint64_t payload_bytes_max_;
  AlignedBuffer bytes_;
  std::vector<FrameSpan> frames_;
  std::uint64_t raw_bytes_ = 0;
  bool building_ = false;  // the last frame is not padded yet
};

}  // namespace ingot::log
