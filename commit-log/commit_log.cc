#include "commit-log/commit_log.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "commit-log/batch.h"
#include "commit-log/compressor.h"
#include "commit-log/recovery.h"
#include "commit-log/segment_pool.h"
#include "core/assert.h"
#include "core/planted_bug.h"
#include "core/try.h"

namespace ingot::log {
namespace {

constexpr std::uint64_t kMiB = 1ULL << 20;
// Small enough that a simulated log rolls often and is read again quickly.
constexpr std::uint64_t kSegmentBytesMin = kMiB / 4;
// Behind each batch of facts a segment keeps room for one watermark, so that a watermark never
// needs a new segment and every segment starts with a fact.
constexpr std::uint64_t kWatermarkBytes = kBlockBytes;
static_assert(frame_bytes(0) == kWatermarkBytes);
// So often may a spare not be made, one time after the other, before that is a failure: threads
// and descriptors may be short for a while, but nobody may wait for a broken disk for ever.
constexpr std::uint32_t kSparesFailedMax = 50;

struct Segment {
  Position first;
  std::string path;
  std::uint64_t size;
};

Status validate(const CommitLogOptions& options) {
  const auto refuse = [](const char* what) { return Status(StatusCode::invalid_argument, what); };
  if (options.directory.empty()) return refuse("commit log: no directory");
  if (options.segment_bytes < kSegmentBytesMin || options.segment_bytes > 4096 * kMiB ||
      options.segment_bytes % kSegmentBytesMin != 0) {
    return refuse("commit log: segment_bytes is 256 KiB to 4 GiB, a multiple of 256 KiB");
  }
  if (options.batch_bytes_max < kMiB / 16 || options.batch_bytes_max > 64 * kMiB) {
    return refuse("commit log: batch_bytes_max is 64 KiB to 64 MiB");
  }
  if (options.spare_segments < 1 || options.spare_segments > 16) {
    return refuse("commit log: spare_segments is 1 to 16");
  }
  return {};
}

class CommitLogImpl final : public CommitLog {
 public:
  CommitLogImpl(Io& io, CommitLogOptions options)
      : io_(io),
        options_(std::move(options)),
        frame_payload_max_(std::min(options_.batch_bytes_max, options_.segment_bytes / 4)),
        building_(frame_payload_max_),
        flying_(frame_payload_max_),
        packed_(frame_payload_max_),
        compressor_(frame_payload_max_) {}

  ~CommitLogImpl() override {
    if (in_flight_) io_.drain();  // the kernel reads our buffer
    if (file_.value != 0) io_.close(file_);
  }

  Status start(RecoveredLog recovered);

  Position append(std::string_view fact) override;
  [[nodiscard]] std::uint64_t batch_bytes() const override {
    return building_.raw_bytes() + unwritten_bytes_;
  }
  Status flush(std::uint64_t token) override;
  Status on_write(const Status& status) override;
  [[nodiscard]] bool write_in_flight() const override { return in_flight_; }
  Status write_watermark(std::uint64_t token) override;
  [[nodiscard]] bool needs_watermark() const override;

  [[nodiscard]] Position appended_position() const override { return appended_; }
  [[nodiscard]] Position durable_position() const override {
    return INGOT_PLANTED(kDurableBeforeWritten) ? submitted_ : durable_;
  }
  Status trim(Position checkpoint) override;
  [[nodiscard]] bool has_room(std::uint64_t fact_bytes) const override;
  Status make_room() override;
  [[nodiscard]] const Status& failure() const override { return failure_; }
  [[nodiscard]] LogCounters counters() const override;

 private:
  [[nodiscard]] std::uint64_t room() const { return segments_.back().size - offset_; }
  [[nodiscard]] bool flying_done() const { return next_frame_ == flying_.frames().size(); }
  // How many of the frames that are left fit into the current segment.
  [[nodiscard]] std::size_t frames_that_fit() const;
  void take_batch();
  Status roll(std::uint64_t bytes);
  void submit(std::span<const char> bytes, Position last, std::uint64_t token);
  [[nodiscard]] FrameHeader header() const;
  Status fail(Status status);
  Status tidy(const RecoveredLog& recovered, std::vector<std::string>& spares);

  Io& io_;
  const CommitLogOptions options_;
  // Several frames fit into a segment even when it is small.
  const std::uint64_t frame_payload_max_;
  Status failure_;

  Batch building_;
  Batch flying_;  // closed; frames before next_frame_ are durable or in flight
  Batch packed_;  // empty; where compression builds
  std::size_t next_frame_ = 0;
  std::uint64_t unwritten_bytes_ = 0;  // raw ones, of the frames from next_frame_ on
  Compressor compressor_;
  AlignedBuffer watermark_;

  Position appended_;
  Position submitted_;  // the last position of the write in flight, else durable_
  Position durable_;
  Position covered_;   // the greatest durable position in a durable frame
  Position covering_;  // the one in the write in flight
  bool in_flight_ = false;
  std::uint64_t in_flight_bytes_ = 0;
  std::uint64_t last_checksum_ = 0;

  std::deque<Segment> segments_;  // the last one is written
  FileHandle file_;
  std::uint64_t offset_ = 0;  // in it: where the next frame goes
  std::optional<SegmentPool> pool_;
  std::uint32_t spares_failed_ = 0;  // attempts of make_room(), one after the other
  LogCounters counters_;
};

// Removes what an interrupted creation left, and spares that can't serve.
Status CommitLogImpl::tidy(const RecoveredLog& recovered, std::vector<std::string>& spares) {
  for (const std::string& path : recovered.leftovers) INGOT_TRY(io_.remove(path));
  for (const std::string& path : recovered.spares) {
    INGOT_ASSIGN(const FileHandle file, io_.open(path));
    auto size = io_.size(file);
    io_.close(file);
    if (!size.ok()) return size.take_status();
    if (*size == options_.segment_bytes && spares.size() < options_.spare_segments) {
      spares.push_back(path);
    } else {
      INGOT_TRY(io_.remove(path));
    }
  }
  return {};
}

Status CommitLogImpl::start(RecoveredLog recovered) {
  file_ = recovered.last_file;
  for (std::size_t i = 0; i < recovered.segments.size(); ++i) {
    SegmentFile& segment = recovered.segments[i];
    segments_.push_back(Segment{segment.first, std::move(segment.path), recovered.sizes[i]});
  }
  appended_ = submitted_ = durable_ = recovered.end;
  covered_ = recovered.covered;
  last_checksum_ = recovered.last_checksum;
  offset_ = recovered.end_offset;
  std::vector<std::string> spares;
  INGOT_TRY(tidy(recovered, spares));
  pool_.emplace(io_, options_.directory, options_.segment_bytes, options_.spare_segments,
                std::move(spares), recovered.next_spare);
  if (segments_.empty()) INGOT_TRY(roll(0));
  watermark_.append_zeros(kWatermarkBytes);
  return {};
}

Position CommitLogImpl::append(std::string_view fact) {
  ++appended_;
  building_.append(appended_, fact);
  return appended_;
}

Status CommitLogImpl::fail(Status status) {
  if (failure_.ok()) failure_ = std::move(status);
  return failure_;
}

void CommitLogImpl::take_batch() {
  INGOT_ASSERT(flying_done() && !in_flight_);
  flying_.clear();
  std::swap(building_, flying_);
  flying_.close();
  next_frame_ = 0;
  unwritten_bytes_ = flying_.raw_bytes();
  counters_.payload_bytes += flying_.raw_bytes();
  if (options_.compress && compressor_.pack(flying_, packed_)) {
    std::swap(flying_, packed_);
    packed_.clear();
  }
}

std::size_t CommitLogImpl::frames_that_fit() const {
  std::uint64_t left = room() - std::min(room(), kWatermarkBytes);
  std::size_t count = 0;
  while (next_frame_ + count < flying_.frames().size()) {
    const std::uint64_t bytes = flying_.bytes_of(next_frame_ + count);
    if (bytes > left) break;
    left -= bytes;
    ++count;
  }
  return count;
}

FrameHeader CommitLogImpl::header() const {
  FrameHeader header;
  header.hub_id = options_.hub_id;
  header.partition = options_.partition.value;
  header.segment_id = segments_.back().first.value;
  header.epoch = options_.epoch;
  header.first_position = durable_.value + 1;
  header.durable_position = INGOT_PLANTED(kRecordNoDurable) ? covered_.value : durable_.value;
  header.previous = last_checksum_;
  header.offset = offset_;
  header.write_offset = offset_;
  header.segment_blocks = static_cast<std::uint32_t>(segments_.back().size / kBlockBytes);
  return header;
}

void CommitLogImpl::submit(std::span<const char> bytes, Position last, std::uint64_t token) {
  INGOT_ASSERT(!in_flight_ && failure_.ok());
  INGOT_ASSERT(bytes.size() <= room(), bytes.size(), room());
  in_flight_ = true;
  in_flight_bytes_ = bytes.size();
  submitted_ = last;
  covering_ = durable_;
  io_.submit_write(file_, bytes, offset_, token);
}

Status CommitLogImpl::flush(std::uint64_t token) {
  if (!failure_.ok()) return failure_;
  if (in_flight_) return {};
  if (flying_done()) {
    if (building_.empty()) return {};
    take_batch();
  }
  std::size_t count = frames_that_fit();
  if (count == 0) {
    if (Status status = roll(flying_.bytes_of(next_frame_)); !status.ok()) {
      return status.code() == StatusCode::disk_full ? status : fail(std::move(status));
    }
    count = frames_that_fit();
    INGOT_ASSERT(count != 0, room());
  }
  FrameHeader next = header();
  char* const begin = flying_.frame(next_frame_).data();
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < count; ++i, ++next_frame_) {
    const FrameSpan& span = flying_.frames()[next_frame_];
    INGOT_ASSERT(span.first.value == next.first_position, span.first.value, next.first_position);
    next.flags = span.flags;
    next.count = span.count;
    next.stored_bytes = static_cast<std::uint32_t>(span.stored_bytes);
    next.raw_bytes = static_cast<std::uint32_t>(span.raw_bytes);
    const std::span<char> frame = flying_.frame(next_frame_);
    last_checksum_ = seal_frame(next, frame);
    next.previous = last_checksum_;
    next.first_position += span.count;
    next.offset += frame.size();
    bytes += frame.size();
    unwritten_bytes_ -= span.raw_bytes;
  }
  submit({begin, bytes}, Position(next.first_position - 1), token);
  return {};
}

Status CommitLogImpl::on_write(const Status& status) {
  INGOT_ASSERT(in_flight_);
  in_flight_ = false;
  if (!status.ok() && !INGOT_PLANTED(kForgiveWriteFailure)) return fail(status);
  offset_ += in_flight_bytes_;
  pool_->log_grew(in_flight_bytes_);
  durable_ = submitted_;
  covered_ = covering_;
  counters_.bytes_written += in_flight_bytes_;
  ++counters_.writes;
  // Spares are made when the log shows that it will need them.
  // Only when none is left: a log that is trimmed as fast as it grows lives on recycled segments,
  // and zero-writing others would cost it half of the device.
  if (pool_->ready() == 0 && offset_ > segments_.back().size / 4) pool_->want_spares();
  return {};
}

bool CommitLogImpl::needs_watermark() const {
  if (INGOT_PLANTED(kFreezeWatermark)) return false;
  // At the start of a segment its name covers everything before.
  return !in_flight_ && failure_.ok() && covered_ < durable_ && offset_ != 0 &&
         room() >= kWatermarkBytes;
}

Status CommitLogImpl::write_watermark(std::uint64_t token) {
  if (!failure_.ok()) return failure_;
  if (!needs_watermark()) return {};
  const std::span<char> frame(watermark_.data(), watermark_.size());
  last_checksum_ = seal_frame(header(), frame);
  submit(frame, durable_, token);
  return {};
}

Status CommitLogImpl::roll(std::uint64_t bytes) {
  // The name says that everything before `first` is durable.
  INGOT_ASSERT(!in_flight_ && submitted_ == durable_, submitted_.value, durable_.value);
  const Position first = durable_.plus(1);
  // A segment without a fact is too small for this one: the new one takes its name and place.
  const bool replace = !segments_.empty() && segments_.back().first == first;
  INGOT_ASSERT(replace ? offset_ == 0 : segments_.empty() || segments_.back().first < first,
               first.value, offset_);
  std::uint64_t size = options_.segment_bytes;
  if (bytes + kWatermarkBytes > size) size = round_to_blocks(bytes + kWatermarkBytes);
  INGOT_ASSIGN(const std::string spare, pool_->take(size));
  const std::string path = segment_path(options_.directory, first);
  // The space is there: whatever fails from here on, waiting for some would not mend it.
  const auto lasting = [](Status status) {
    return status.code() == StatusCode::disk_full ? Status(StatusCode::io_error, status.message())
                                                  : status;
  };
  INGOT_TRY(lasting(io_.rename(spare, path)));
  auto file = io_.open(path);
  INGOT_TRY(lasting(file.status()));
  if (file_.value != 0) io_.close(file_);
  file_ = *file;
  if (replace) segments_.pop_back();
  segments_.push_back(Segment{first, path, size});
  offset_ = 0;
  return {};
}

Status CommitLogImpl::trim(Position checkpoint) {
  if (!failure_.ok()) return failure_;
  if (INGOT_PLANTED(kTrimTooFar)) checkpoint = appended_;
  while (segments_.size() > 1 && segments_[1].first.value <= checkpoint.value + 1) {
    pool_->retire(std::move(segments_.front().path), segments_.front().size);
    segments_.pop_front();
  }
  if (Status status = pool_->failure(); !status.ok()) return fail(std::move(status));
  return {};
}

bool CommitLogImpl::has_room(std::uint64_t fact_bytes) const {
  if (INGOT_PLANTED(kAlwaysHasRoom)) return true;
  const std::uint64_t segment = options_.segment_bytes - kWatermarkBytes;
  const std::uint64_t taken = (in_flight_ ? in_flight_bytes_ : 0) + kWatermarkBytes;
  std::uint64_t left = room() - std::min(room(), taken);
  // The fact may join the frame that is being built, which moves to the next segment as a whole; or
  // it ends that frame and begins another one: as one piece the two need no less.
  const std::uint64_t piece =
      round_to_blocks(building_.open_bytes() + fact_bytes) + 2 * 2 * kBlockBytes;
  std::uint64_t waiting = building_.size() - building_.open_bytes();
  if (!flying_done()) waiting += flying_.size() - flying_.frames()[next_frame_].offset;
  if (waiting + piece <= left) return true;
  std::size_t spares = pool_->ready();
  if (spares == 0) return false;
  if (waiting + piece <= segment) return true;
  // Frame by frame, as flush() will place them.
  const auto place = [&](std::uint64_t bytes) {
    if (bytes > left) {
      if (spares == 0 || bytes > segment) return false;
      --spares;
      left = segment;
    }
    left -= bytes;
    return true;
  };
  for (std::size_t i = next_frame_; i < flying_.frames().size(); ++i) {
    if (!place(flying_.bytes_of(i))) return false;
  }
  const std::size_t closed = building_.frames().size() - (building_.open_bytes() != 0 ? 1 : 0);
  for (std::size_t i = 0; i < closed; ++i) {
    if (!place(building_.bytes_of(i))) return false;
  }
  return place(piece);
}

Status CommitLogImpl::make_room() {
  if (!failure_.ok()) return failure_;
  if (pool_->ready() != 0) return {};
  Status status = pool_->retry();
  if (pool_->ready() != 0 || status.code() == StatusCode::disk_full) {
    spares_failed_ = 0;
    return status;
  }
  if (status.ok() || ++spares_failed_ < kSparesFailedMax) return status;
  return fail(std::move(status));
}

LogCounters CommitLogImpl::counters() const {
  LogCounters counters = counters_;
  counters.segments = segments_.size();
  for (const Segment& segment : segments_) counters.live_bytes += segment.size;
  counters.live_bytes -= room();
  return counters;
}

}  // namespace

Result<std::unique_ptr<CommitLog>> CommitLog::open(Io& io, CommitLogOptions options,
                                                   Position checkpoint, const ReplayFn& replay) {
  INGOT_TRY(validate(options));
  INGOT_ASSIGN(RecoveredLog recovered, recover(io, options, checkpoint, replay));
  auto log = std::make_unique<CommitLogImpl>(io, std::move(options));
  INGOT_TRY(log->start(std::move(recovered)));
  return std::unique_ptr<CommitLog>(std::move(log));
}

}  // namespace ingot::log
