#pragma once

// Recovery: from the files of a log directory to a log that can be written again.
//
// Reads from the segment that holds the checkpoint, checks every frame and its place in the chain,
// hands the facts after the checkpoint to the owner, and decides about the first bad spot as
// FORMAT.md says: a read error or a proof of durability refuses (nothing is changed then), anything
// else is a torn tail, whose remnants are zeroed durably before the log goes on there.

#include <vector>

#include "commit-log/commit_log.h"
#include "commit-log/frame.h"
#include "commit-log/segment_files.h"
#include "core/codec.h"

namespace ingot::log {

struct RecoveredLog {
  std::vector<SegmentFile> segments;  // all of the directory, ascending; empty in a new hub
  std::vector<std::uint64_t> sizes;   // of their files
  std::vector<std::string> spares;
  std::vector<std::string> leftovers;
  std::uint64_t next_spare = 0;
  FileHandle last_file;             // of the last segment, when there is one
  std::uint64_t end_offset = 0;     // in the last segment: where the next frame goes
  Position end;                     // of the last fact
  Position covered;                 // the greatest durable position that a frame records
  std::uint64_t last_checksum = 0;  // of the last frame
};

[[nodiscard]] Result<RecoveredLog> recover(Io& io, const CommitLogOptions& options,
                                           Position checkpoint, const ReplayFn& replay);

// The rules that a valid frame keeps besides its checksum. Shared with the log's reader.
struct ChainState {
  Position next;               // the position that the next frame starts with
  std::uint64_t previous = 0;  // the checksum of the frame before
  bool previous_known = false;
  std::uint64_t durable = 0;  // the greatest recorded durable position
};

// Empty when `header` continues the chain, else what is wrong.
[[nodiscard]] std::string chain_fault(const ChainState& chain, const FrameHeader& header);
void advance_chain(ChainState& chain, const FrameHeader& header);

// Calls `fact` for each fact of a valid frame; `corrupt` when the payload is not `count` facts.
template <typename Fact>
Status for_each_fact(const FrameHeader& header, std::string_view payload, const Fact& fact);

// "<file>, offset <n>, position <p>": how every message names a place.
[[nodiscard]] std::string place_of(const std::string& path, std::uint64_t offset,
                                   Position position);

template <typename Fact>
Status for_each_fact(const FrameHeader& header, std::string_view payload, const Fact& fact) {
  Reader reader(payload);
  for (std::uint32_t i = 0; i < header.count; ++i) {
    const std::string_view bytes = reader.bytes();
    if (!reader.ok()) break;
    if (Status status = fact(Position(header.first_position + i), bytes); !status.ok()) {
      return status;
    }
  }
  if (!reader.finished()) {
    return Status(StatusCode::corrupt, "the payload does not hold the facts that its frame counts");
  }
  return {};
}

}  // namespace ingot::log
