#include "commit-log/recovery.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "commit-log/segment_reader.h"
#include "core/aligned_buffer.h"
#include "core/assert.h"
#include "core/planted_bug.h"
#include "core/try.h"

namespace ingot::log {
namespace {

constexpr std::uint64_t kZeroBytes = 1U << 20;

class Recovery {
 public:
  Recovery(Io& io, const CommitLogOptions& options, Position checkpoint, const ReplayFn& replay)
      : io_(io), options_(options), checkpoint_(checkpoint), replay_(replay) {}

  Result<RecoveredLog> run() {
    INGOT_ASSIGN(DirectoryListing listing, list_log_directory(io_, options_.directory));
    log_.segments = std::move(listing.segments);
    log_.spares = std::move(listing.spares);
    log_.leftovers = std::move(listing.leftovers);
    log_.next_spare = listing.next_spare;
    if (log_.segments.empty()) {
      if (checkpoint_.value != 0) {
        return Status(StatusCode::corrupt, options_.directory +
                                               ": no segments, and the checkpoint is at position " +
                                               std::to_string(checkpoint_.value));
      }
      if (options_.must_exist) {
        return Status(StatusCode::corrupt, options_.directory + ": no segments");
      }
      return std::move(log_);
    }
    INGOT_TRY(read_segments());
    return std::move(log_);
  }

 private:
  // The last segment that starts at or before the checkpoint, else the first one.
  [[nodiscard]] std::size_t first_needed() const {
    std::size_t start = 0;
    while (start + 1 < log_.segments.size() && log_.segments[start + 1].first <= checkpoint_) {
      ++start;
    }
    return start;
  }

  Status read_segments() {
    const std::size_t start = first_needed();
    const Position first = log_.segments[start].first;
    if (first > checkpoint_.plus(1) && !INGOT_PLANTED(kAcceptMissingFacts)) {
      return Status(StatusCode::corrupt,
                    log_.segments[start].path + ": the log starts at position " +
                        std::to_string(first.value) + ", the checkpoint ends at " +
                        std::to_string(checkpoint_.value) + "; what lies between is missing");
    }
    chain_.next = first;
    for (std::size_t i = 0; i < log_.segments.size(); ++i) {
      if (i < start) {
        INGOT_TRY(measure(log_.segments[i].path));
      } else {
        INGOT_TRY(read_segment(i));
      }
    }
    log_.end = Position(chain_.next.value - 1);
    log_.covered = Position(chain_.durable);
    log_.last_checksum = chain_.previous;
    return {};
  }

  // A segment below the checkpoint: only its size matters, for when it is recycled.
  Status measure(const std::string& path) {
    INGOT_ASSIGN(const FileHandle file, io_.open(path));
    auto size = io_.size(file);
    io_.close(file);
    if (!size.ok()) return size.take_status();
    log_.sizes.push_back(*size);
    return {};
  }

  Status read_segment(std::size_t index) {
    const SegmentFile& segment = log_.segments[index];
    const bool last = index + 1 == log_.segments.size();
    INGOT_ASSERT(segment.first == chain_.next, segment.first.value, chain_.next.value);
    SegmentReader reader(io_,
                         FrameContext{options_.hub_id, options_.partition, segment.first.value, 0});
    INGOT_TRY(reader.open(segment.path));
    log_.sizes.push_back(reader.context().segment_bytes);
    std::uint64_t offset = 0;
    FoundFrame found;
    while (offset < reader.context().segment_bytes) {
      INGOT_ASSIGN(found, reader.at(offset));
      if (found.kind != FrameKind::valid) break;
      INGOT_TRY(take_frame(reader, found, offset));
      offset += found.bytes.size();
    }
    if (!last) {
      // The next segment's name says that this one holds everything before it.
      const Position next = log_.segments[index + 1].first;
      if (chain_.next == next) return {};
      return refuse(reader, offset, found,
                    "the segment that starts at position " + std::to_string(next.value) +
                        " proves that it was durable");
    }
    if (offset < reader.context().segment_bytes) INGOT_TRY(decide(reader, offset, found));
    if (chain_.next <= checkpoint_) {
      return refuse(reader, offset, found,
                    "the checkpoint at position " + std::to_string(checkpoint_.value) +
                        " proves that it was durable");
    }
    // What was read may have been written by a process that died before it learnt that; and the
    // file may have got its name so.
    log_.end_offset = offset;
    const FileHandle file = reader.release();
    Status status = zero(file, offset, zero_end_);
    if (status.ok() && !INGOT_PLANTED(kOpenWithoutSync)) status = io_.sync(file);
    if (status.ok()) {
      log_.last_file = file;
    } else {
      io_.close(file);
    }
    return status;
  }

  Status take_frame(const SegmentReader& reader, const FoundFrame& found, std::uint64_t offset) {
    const FrameHeader& header = found.header;
    const Position position = chain_.next;
    if (const std::string fault = chain_fault(chain_, header); !fault.empty()) {
      return Status(StatusCode::corrupt, place_of(reader.path(), offset, position) + ": " + fault);
    }
    advance_chain(chain_, header);
    if (chain_.next.value > checkpoint_.value + 1) {
      auto payload = payload_.open(header, found.bytes);
      if (!payload.ok()) {
        return payload.status().with_context(place_of(reader.path(), offset, position));
      }
      Status replayed;
      Status status = for_each_fact(header, *payload, [&](Position at, std::string_view fact) {
        if (at <= checkpoint_ && !INGOT_PLANTED(kReplayCheckpointed)) return Status();
        replayed = replay_(at, fact);
        return replayed;
      });
      if (!replayed.ok()) return replayed;
      if (!status.ok()) {
        return status.with_context(place_of(reader.path(), offset, position));
      }
    }
    return {};
  }

  // The first spot of the last segment where no valid frame lies: the log's end, or corruption.
  Status decide(SegmentReader& reader, std::uint64_t offset, const FoundFrame& found) {
    if (found.kind == FrameKind::newer) {
      return Status(StatusCode::unsupported, place_of(reader.path(), offset, chain_.next) + ": " +
                                                 describe(found.kind, found.header));
    }
    if (found.kind == FrameKind::foreign || found.kind == FrameKind::misplaced) {
      return refuse(reader, offset, found, "no crash leaves that behind");
    }
    INGOT_ASSIGN(const TailScan scan, reader.scan(offset, chain_.next));
    if (scan.proves_durable && !INGOT_PLANTED(kIgnoreProofs)) {
      return refuse(reader, offset, found,
                    "the frame at offset " + std::to_string(scan.proof_offset) +
                        " proves that it was durable");
    }
    if (!INGOT_PLANTED(kKeepTornTail)) zero_end_ = scan.remnants_end;
    return {};
  }

  Status refuse(const SegmentReader& reader, std::uint64_t offset, const FoundFrame& found,
                const std::string& proof) const {
    std::string what = offset < reader.context().segment_bytes
                           ? describe(found.kind, found.header)
                           : std::string("the end of the segment");
    if (found.kind == FrameKind::newer) {
      return Status(StatusCode::unsupported,
                    place_of(reader.path(), offset, chain_.next) + ": " + what);
    }
    return Status(StatusCode::corrupt,
                  place_of(reader.path(), offset, chain_.next) + ": found " + what + "; " + proof);
  }

  Status zero(FileHandle file, std::uint64_t begin, std::uint64_t end) {
    if (begin >= end) return {};
    AlignedBuffer zeros;
    zeros.append_zeros(static_cast<std::size_t>(std::min(end - begin, kZeroBytes)));
    for (std::uint64_t at = begin; at < end; at += zeros.size()) {
      const std::size_t size =
          static_cast<std::size_t>(std::min<std::uint64_t>(end - at, zeros.size()));
      INGOT_TRY(io_.write_now(file, {zeros.data(), size}, at));
    }
    return {};
  }

  Io& io_;
  const CommitLogOptions& options_;
  Position checkpoint_;
  const ReplayFn& replay_;
  RecoveredLog log_;
  ChainState chain_;
  FramePayload payload_;
  std::uint64_t zero_end_ = 0;
};

}  // namespace

std::string chain_fault(const ChainState& chain, const FrameHeader& header) {
  if (header.first_position != chain.next.value) {
    return "the frame starts at position " + std::to_string(header.first_position);
  }
  if (chain.previous_known && header.previous != chain.previous && !INGOT_PLANTED(kIgnoreChain)) {
    return "the frame does not follow the frame before it";
  }
  if (header.durable_position < chain.durable || header.durable_position >= header.first_position) {
    return "the frame records the impossible durable position " +
           std::to_string(header.durable_position);
  }
  if (header.offset == 0 && header.count == 0) return "a segment begins with a frame without facts";
  return {};
}

void advance_chain(ChainState& chain, const FrameHeader& header) {
  chain.next = chain.next.plus(header.count);
  chain.previous = header.checksum;
  chain.previous_known = true;
  chain.durable = header.durable_position;
}

std::string place_of(const std::string& path, std::uint64_t offset, Position position) {
  return path + ", offset " + std::to_string(offset) + ", position " +
         std::to_string(position.value);
}

Result<RecoveredLog> recover(Io& io, const CommitLogOptions& options, Position checkpoint,
                             const ReplayFn& replay) {
  return Recovery(io, options, checkpoint, replay).run();
}

}  // namespace ingot::log
