#include "commit-log/log_reader.h"

#include <utility>

#include "commit-log/recovery.h"
#include "commit-log/segment_files.h"
#include "commit-log/segment_reader.h"
#include "core/assert.h"
#include "core/try.h"

namespace ingot::log {
namespace {

class Reading {
 public:
  Reading(Io& io, const LogReaderOptions& options, const LogVisitor& visitor)
      : io_(io), options_(options), visitor_(visitor) {}

  Result<LogSummary> run() {
    INGOT_ASSIGN(const DirectoryListing listing, list_log_directory(io_, options_.directory));
    summary_.segments = listing.segments.size();
    summary_.spares = listing.spares.size();
    if (listing.segments.empty()) {
      if (options_.checkpoint.value != 0) {
        fault(options_.directory, 0, Position(1),
              Status(StatusCode::corrupt, options_.directory + ": the log has no segments"));
      }
      return summary_;
    }
    chain_.next = listing.segments.front().first;
    if (options_.checkpoint.value != 0 && chain_.next > options_.checkpoint.plus(1)) {
      fault(listing.segments.front().path, 0, options_.checkpoint.plus(1),
            Status(StatusCode::corrupt,
                   listing.segments.front().path +
                       ": what lies between the checkpoint and this is missing"));
    }
    for (std::size_t i = 0; i < listing.segments.size(); ++i) {
      const bool last = i + 1 == listing.segments.size();
      INGOT_TRY(
          read_segment(listing.segments[i], last ? Position() : listing.segments[i + 1].first));
    }
    if (chain_.next <= options_.checkpoint) {
      const SegmentFile& last = listing.segments.back();
      fault(last.path, 0, chain_.next,
            Status(StatusCode::corrupt, last.path + ": the log ends before position " +
                                            std::to_string(options_.checkpoint.value) +
                                            ", where the checkpoint is"));
    }
    return summary_;
  }

 private:
  void fault(const std::string& file, std::uint64_t offset, Position position, Status status) {
    ++summary_.faults;
    if (visitor_.on_fault) {
      visitor_.on_fault(LogFault{file, offset, position, std::move(status)});
    }
  }

  void corrupt(const SegmentReader& reader, std::uint64_t offset, const std::string& what) {
    fault(reader.path(), offset, chain_.next,
          Status(StatusCode::corrupt, place_of(reader.path(), offset, chain_.next) + ": " + what));
  }

  void unreadable(const SegmentReader& reader, std::uint64_t offset, const Status& status) {
    fault(reader.path(), offset, chain_.next,
          status.with_context(place_of(reader.path(), offset, chain_.next)));
    reported_ = true;
  }

  // `next` is the position in the next segment's name, 0 when there is none.
  Status read_segment(const SegmentFile& segment, Position next) {
    INGOT_ASSERT(segment.first == chain_.next, segment.first.value, chain_.next.value);
    SegmentReader reader(io_,
                         FrameContext{options_.hub_id, options_.partition, segment.first.value, 0});
    if (Status status = reader.open(segment.path); !status.ok()) {
      fault(segment.path, 0, segment.first, std::move(status));
      skip_to(next);
      return {};
    }
    std::uint64_t offset = 0;
    while (offset < reader.context().segment_bytes) {
      auto found = reader.at(offset);
      if (!found.ok()) {
        unreadable(reader, offset, found.status());
        break;
      }
      if (found->kind == FrameKind::valid) {
        INGOT_TRY(take_frame(reader, *found, offset));
        offset += found->bytes.size();
        continue;
      }
      INGOT_ASSIGN(const std::uint64_t resumed, judge(reader, *found, offset, next));
      if (resumed == offset) break;
      offset = resumed;
    }
    if (next.value != 0 && chain_.next != next && !reported_) {
      corrupt(reader, offset, "the segment ends before its last position");
    }
    reported_ = false;
    skip_to(next);
    return {};
  }

  // After a fault, the next segment is read on its own terms.
  void skip_to(Position next) {
    if (next.value != 0 && chain_.next != next) {
      chain_ = ChainState{next, 0, false, chain_.durable};
    }
  }

  // Where to read on: `offset` itself at the end of this segment's log.
  Result<std::uint64_t> judge(SegmentReader& reader, const FoundFrame& found, std::uint64_t offset,
                              Position next) {
    if (next.value != 0 && chain_.next == next) return offset;
    if (found.kind == FrameKind::newer) {
      fault(reader.path(), offset, chain_.next,
            Status(StatusCode::unsupported, place_of(reader.path(), offset, chain_.next) + ": " +
                                                describe(found.kind, found.header)));
      reported_ = true;
      return offset;
    }
    auto scan = reader.scan(offset, chain_.next);
    if (!scan.ok()) {
      unreadable(reader, offset, scan.status());
      return offset;
    }
    const bool impossible = found.kind == FrameKind::foreign || found.kind == FrameKind::misplaced;
    if (!impossible && !scan->proves_durable && next.value == 0 &&
        chain_.next > options_.checkpoint) {
      summary_.torn_tail = scan->remnants_end > offset;
      return offset;
    }
    corrupt(reader, offset, "found " + describe(found.kind, found.header));
    reported_ = true;
    FrameHeader header;
    auto resumed = reader.next_valid(offset, header);
    if (!resumed.ok()) {
      unreadable(reader, offset, resumed.status());
      return offset;
    }
    if (*resumed == reader.context().segment_bytes) return offset;
    chain_ = ChainState{Position(header.first_position), 0, false, 0};
    return *resumed;
  }

  Status take_frame(const SegmentReader& reader, const FoundFrame& found, std::uint64_t offset) {
    const FrameHeader& header = found.header;
    if (const std::string what = chain_fault(chain_, header); !what.empty()) {
      corrupt(reader, offset, what);
      reported_ = true;
      chain_.next = Position(header.first_position);
    }
    ++summary_.frames;
    summary_.bytes += found.bytes.size();
    if (visitor_.on_frame) {
      FrameInfo info;
      info.file = reader.path();
      info.offset = offset;
      info.bytes = found.bytes.size();
      info.first = Position(header.first_position);
      info.count = header.count;
      info.stored_bytes = header.stored_bytes;
      info.payload_bytes = header.raw_bytes;
      info.durable = Position(header.durable_position);
      info.epoch = header.epoch;
      info.compressed = (header.flags & kFlagZstd) != 0;
      visitor_.on_frame(info);
    }
    auto payload = payload_.open(header, found.bytes);
    if (!payload.ok()) {
      corrupt(reader, offset, payload.status().message());
    } else {
      Status visited;
      const Status status =
          for_each_fact(header, *payload, [&](Position at, std::string_view fact) {
            ++summary_.facts;
            if (summary_.first.value == 0) summary_.first = at;
            summary_.last = at;
            if (visitor_.on_fact) visited = visitor_.on_fact(at, fact);
            return visited;
          });
      if (!visited.ok()) return visited;
      if (!status.ok()) corrupt(reader, offset, status.message());
    }
    advance_chain(chain_, header);
    return {};
  }

  Io& io_;
  const LogReaderOptions& options_;
  const LogVisitor& visitor_;
  LogSummary summary_;
  ChainState chain_;
  FramePayload payload_;
  bool reported_ = false;  // this segment's shortness is explained
};

}  // namespace

Result<LogSummary> LogReader::read(const LogVisitor& visitor) {
  return Reading(io_, options_, visitor).run();
}

}  // namespace ingot::log
