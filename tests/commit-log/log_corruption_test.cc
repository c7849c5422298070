// Bytes that are not what was written: refused by name, or a torn tail that loses nothing proven.
//
// The victim is one small log on a simulated disk whose last frame is a watermark, so every fact in
// it is proven durable. Each case damages a copy of it.

#include <algorithm>
#include <functional>

#include "commit-log/frame.h"
#include "commit-log/log_reader.h"
#include "commit-log/segment_files.h"
#include "tests/commit-log/log_harness.h"

namespace ingot::log {
namespace {

struct Frame {
  std::string file;
  std::uint64_t offset;
  std::uint64_t bytes;
  std::uint64_t used;  // header and payload
  Position first;
  std::uint32_t count;
};

LogReaderOptions reader_options() { return {"/log", kTestHub, PartitionId(3), Position()}; }

class LogCorruptionTest : public ::testing::Test {
 protected:
  // Two segments, the second one recycled from an older one and full of its stale frames.
  void SetUp() override {
    disk_.set_prompt(true);
    sim::SimIo io(disk_);
    Opened opened = open_log(io, small_log("/log", 11));
    ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
    add(io, *opened.log, 450, 5000, 10);  // 2.2 MB: three segments
    checkpoint_ = Position(435);
    ASSERT_TRUE(opened.log->trim(checkpoint_).ok());
    add(io, *opened.log, 170, 5000, 10);
    add(io, *opened.log, 6, 200, 3);
    ASSERT_TRUE(write_watermark(io, *opened.log).ok());
    add(io, *opened.log, 6, 200, 3);
    opened.log.reset();
    opened = open_log(io, small_log("/log", 12), checkpoint_);  // a second epoch
    ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
    EXPECT_TRUE(opened.log->needs_watermark());
    ASSERT_TRUE(write_watermark(io, *opened.log).ok());
    add(io, *opened.log, 12, 200, 3);
    ASSERT_TRUE(write_watermark(io, *opened.log).ok());
    expected_.erase(expected_.begin(), expected_.upper_bound(checkpoint_.value));
    LogVisitor visitor;
    visitor.on_frame = [&](const FrameInfo& info) {
      EXPECT_EQ(info.durable.value + 1, info.first.value);  // one frame in each write here
      EXPECT_TRUE(info.epoch == 11 || info.epoch == 12);
      frames_.push_back({std::string(info.file), info.offset, info.bytes,
                         kHeaderBytes + info.stored_bytes, info.first, info.count});
    };
    auto summary = LogReader(io, reader_options()).read(visitor);
    ASSERT_TRUE(summary.ok());
    ASSERT_EQ(summary->faults, 0U);
    ASSERT_EQ(summary->last.value, 644U);
    ASSERT_GE(summary->segments, 2U);
    ASSERT_EQ(frames_.back().count, 0U);
    ASSERT_EQ(std::count_if(frames_.begin(), frames_.end(),
                            [](const Frame& frame) { return frame.count == 0; }),
              3);
  }

  void add(Io& io, CommitLog& log, std::uint64_t count, std::size_t size, std::uint64_t batch) {
    for (std::uint64_t i = 1; i <= count; ++i) {
      const std::uint64_t next = log.appended_position().value + 1;
      expected_[next] = fact_at(next, size);
      log.append(expected_[next]);
      if (i % batch == 0) {
        ASSERT_TRUE(write_all(io, log).ok());
      }
    }
    ASSERT_TRUE(write_all(io, log).ok());
  }

  struct Outcome {
    Opened opened;
    LogSummary summary;
    bool files_kept = false;
    bool needs_watermark = false;
  };

  Outcome open_damaged(const std::function<void(sim::SimDisk&)>& damage) {
    const auto disk = disk_.clone(5);
    damage(*disk);
    sim::SimIo io(*disk);
    Outcome outcome;
    auto summary = LogReader(io, reader_options()).read({});
    EXPECT_TRUE(summary.ok());
    if (summary.ok()) outcome.summary = *summary;
    const std::uint64_t before = disk->fingerprint();
    outcome.opened = open_log(io, small_log("/log", 13), checkpoint_);
    outcome.needs_watermark = outcome.opened.log && outcome.opened.log->needs_watermark();
    outcome.opened.log.reset();
    outcome.files_kept = before == disk->fingerprint();
    return outcome;
  }

  // Refused as `code`, naming the file, with every byte kept, and seen by the reader too.
  void expect_refused(const Outcome& outcome, const std::string& file,
                      StatusCode code = StatusCode::corrupt) {
    EXPECT_EQ(outcome.opened.status.code(), code) << outcome.opened.status.to_string();
    EXPECT_NE(outcome.opened.status.message().find(file), std::string::npos)
        << outcome.opened.status.to_string();
    EXPECT_TRUE(outcome.files_kept);
    EXPECT_GE(outcome.summary.faults, 1U);
  }

  void expect_all_facts(const Outcome& outcome) {
    EXPECT_TRUE(outcome.opened.status.ok()) << outcome.opened.status.to_string();
    EXPECT_EQ(outcome.opened.facts, expected_);
  }

  [[nodiscard]] bool holds_the_checkpoint(const Frame& frame) const {
    return frame.file == frames_.front().file;
  }

  sim::SimDisk disk_{1};
  Facts expected_;
  Position checkpoint_;
  std::vector<Frame> frames_;
};

TEST_F(LogCorruptionTest, TheUndamagedLogOpens) {
  const Outcome outcome = open_damaged([](sim::SimDisk&) {});
  expect_all_facts(outcome);
  EXPECT_TRUE(outcome.files_kept);  // nothing to mend
  EXPECT_FALSE(outcome.needs_watermark);
  EXPECT_EQ(outcome.summary.faults, 0U);
  EXPECT_FALSE(outcome.summary.torn_tail);
}

// The detector, proven on every frame: one flipped bit anywhere in it, padding included.
TEST_F(LogCorruptionTest, EveryFlippedBitIsDetected) {
  Random random(77);
  for (std::size_t i = 0; i < frames_.size(); ++i) {
    const Frame& frame = frames_[i];
    const bool last = i + 1 == frames_.size();
    // All of the header's bytes for some frames, samples for the others.
    std::vector<std::uint64_t> offsets;
    if (last || i == 3) {
      for (std::uint64_t at = 0; at < kHeaderBytes; ++at) offsets.push_back(at);
    }
    for (int sample = 0; sample < 1; ++sample) offsets.push_back(random.below(frame.bytes));
    offsets.push_back(frame.used - 1);
    for (const std::uint64_t at : offsets) {
      const auto bit = static_cast<unsigned>(random.below(8));
      SCOPED_TRACE("frame " + std::to_string(i) + ", byte " + std::to_string(at) + ", bit " +
                   std::to_string(bit));
      const Outcome outcome = open_damaged(
          [&](sim::SimDisk& disk) { disk.flip_bit(frame.file, frame.offset + at, bit); });
      if (last && outcome.opened.status.ok()) {
        expect_all_facts(outcome);  // the watermark: nothing proves it, nothing is lost with it
      } else {
        expect_refused(outcome, frame.file);
      }
      if (HasFailure()) return;
    }
  }
}

TEST_F(LogCorruptionTest, DamagedBlocksAreDetected) {
  Random random(78);
  for (std::size_t i = 0; i + 1 < frames_.size(); i += 1 + random.below(4)) {
    const Frame& frame = frames_[i];
    const std::uint64_t block = frame.offset + random.below(frame.bytes / 4096) * 4096;
    const Frame& other = frames_[random.below(frames_.size())];
    SCOPED_TRACE("frame " + std::to_string(i));
    std::string garbage(4096, '\0');
    for (char& byte : garbage) byte = static_cast<char>(random.next());
    // Zeros, garbage, a misdirected block, and many blocks at once.
    expect_refused(open_damaged([&](sim::SimDisk& disk) {
                     disk.overwrite(frame.file, block, std::string(4096, '\0'));
                   }),
                   frame.file);
    expect_refused(
        open_damaged([&](sim::SimDisk& disk) { disk.overwrite(frame.file, block, garbage); }),
        frame.file);
    if (other.offset != block || other.file != frame.file) {
      expect_refused(open_damaged([&](sim::SimDisk& disk) {
                       disk.overwrite(frame.file, frame.offset,
                                      disk.read_file(other.file).substr(other.offset, 4096));
                     }),
                     frame.file);
    }
    if (HasFailure()) return;
  }
}

TEST_F(LogCorruptionTest, ALongHoleBeforeALateFrameIsDetected) {
  // Everything but the last watermark of the last segment is gone: it alone proves the loss.
  const Frame& last = frames_.back();
  const Outcome outcome = open_damaged(
      [&](sim::SimDisk& disk) { disk.overwrite(last.file, 0, std::string(last.offset, '\0')); });
  expect_refused(outcome, last.file);
}

TEST_F(LogCorruptionTest, ADamagedWatermarkBeforeLaterFramesIsDetected) {
  // It holds no fact and raises no durable position, but what follows must not be lost with it.
  for (std::size_t i = 0; i + 1 < frames_.size(); ++i) {
    if (frames_[i].count != 0) continue;
    expect_refused(open_damaged([&](sim::SimDisk& disk) {
                     disk.flip_bit(frames_[i].file, frames_[i].offset + 200, 3);
                   }),
                   frames_[i].file);
  }
}

// Two blocks that changed places: the watermark is not where it was written, and it still says that
// the batch whose middle took its place was durable.
TEST_F(LogCorruptionTest, AMisplacedWatermarkStillProvesTheBatchBeforeIt) {
  {
    sim::SimIo io(disk_);
    Opened opened = open_log(io, small_log("/log", 14), checkpoint_);
    ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
    add(io, *opened.log, 1, 9000, 1);
    ASSERT_TRUE(write_watermark(io, *opened.log).ok());
  }
  const std::string& file = frames_.back().file;
  const std::uint64_t batch = frames_.back().offset + frames_.back().bytes;
  const std::uint64_t watermark = batch + frame_bytes(9002);
  ASSERT_EQ(load_header({disk_.read_file(file).data() + watermark, kHeaderBytes}).count, 0U);
  const Outcome outcome = open_damaged([&](sim::SimDisk& disk) {
    const std::string bytes = disk.read_file(file);
    disk.overwrite(file, batch + 4096, bytes.substr(watermark, 4096));
    disk.overwrite(file, watermark, bytes.substr(batch + 4096, 4096));
  });
  expect_refused(outcome, file);
}

TEST_F(LogCorruptionTest, ABatchRightAfterADamagedWatermarkIsNotLost) {
  {
    sim::SimIo io(disk_);
    Opened opened = open_log(io, small_log("/log", 14), checkpoint_);
    ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
    add(io, *opened.log, 1, 200, 1);
  }
  const Outcome outcome = open_damaged([&](sim::SimDisk& disk) {
    disk.flip_bit(frames_.back().file, frames_.back().offset + 200, 3);
  });
  expect_refused(outcome, frames_.back().file);
}

TEST_F(LogCorruptionTest, AStaleVersionOfABlockIsDetected) {
  // The block of a frame as it was before the write (a write the device lost).
  for (std::size_t i = frames_.size() - 9; i + 1 < frames_.size(); ++i) {
    const Frame& frame = frames_[i];
    const Outcome outcome = open_damaged([&](sim::SimDisk& disk) {
      const std::string fresh(frame.bytes, '\0');
      disk.overwrite(frame.file, frame.offset, fresh);
    });
    expect_refused(outcome, frame.file);
  }
}

TEST_F(LogCorruptionTest, ALostWriteIsDetected) {
  sim::SimIo io(disk_);
  Opened opened = open_log(io, small_log("/log", 14), checkpoint_);
  ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
  disk_.lose_write(1);
  add(io, *opened.log, 1, 100, 1);
  add(io, *opened.log, 1, 100, 1);
  opened.log.reset();
  opened = open_log(io, small_log("/log", 15), checkpoint_);
  EXPECT_EQ(opened.status.code(), StatusCode::corrupt) << opened.status.to_string();
}

TEST_F(LogCorruptionTest, TruncatedAndGrownFilesAreRefused) {
  const Frame& last = frames_.back();
  for (const std::uint64_t size : {0ULL, 100ULL, 4096ULL, 8192ULL, (1ULL << 20) - 4096,
                                   (1ULL << 20) - 1, (1ULL << 20) + 4096, 2ULL << 20}) {
    SCOPED_TRACE(size);
    expect_refused(open_damaged([&](sim::SimDisk& disk) { disk.resize(last.file, size); }),
                   last.file);
    expect_refused(
        open_damaged([&](sim::SimDisk& disk) { disk.resize(frames_.front().file, size); }),
        frames_.front().file);
  }
}

TEST_F(LogCorruptionTest, MissingSegmentsAreRefused) {
  ASSERT_NE(frames_.front().file, frames_.back().file);
  // The first one needed: a gap after the checkpoint.
  const Outcome gap =
      open_damaged([&](sim::SimDisk& disk) { disk.remove_file(frames_.front().file); });
  EXPECT_EQ(gap.opened.status.code(), StatusCode::corrupt) << gap.opened.status.to_string();
  EXPECT_TRUE(gap.files_kept);
  // All of them.
  const Outcome none = open_damaged([&](sim::SimDisk& disk) {
    for (const std::string& path : disk.paths()) disk.remove_file(path);
  });
  EXPECT_EQ(none.opened.status.code(), StatusCode::corrupt) << none.opened.status.to_string();
}

TEST_F(LogCorruptionTest, ALogThatEndsBeforeTheCheckpointIsRefused) {
  const auto disk = disk_.clone(6);
  sim::SimIo io(*disk);
  const Opened opened = open_log(io, small_log("/log", 13), Position(700));
  EXPECT_EQ(opened.status.code(), StatusCode::corrupt) << opened.status.to_string();
  EXPECT_NE(opened.status.message().find("position 645"), std::string::npos)
      << opened.status.to_string();
}

TEST_F(LogCorruptionTest, AnotherHubOrPartitionIsRefused) {
  for (int which = 0; which < 2; ++which) {
    const auto disk = disk_.clone(6);
    sim::SimIo io(*disk);
    CommitLogOptions options = small_log("/log", 13);
    if (which == 0) {
      options.hub_id ^= 1;
    } else {
      options.partition = PartitionId(4);
    }
    const Opened opened = open_log(io, options, checkpoint_);
    EXPECT_EQ(opened.status.code(), StatusCode::corrupt) << opened.status.to_string();
    EXPECT_NE(opened.status.message().find("hub"), std::string::npos);
  }
}

TEST_F(LogCorruptionTest, ANewerFormatIsUnsupported) {
  for (const std::size_t index : {std::size_t{0}, frames_.size() - 1}) {
    const Frame& frame = frames_[index];
    const Outcome outcome = open_damaged([&](sim::SimDisk& disk) {
      std::string bytes = disk.read_file(frame.file).substr(frame.offset, frame.bytes);
      FrameHeader header = load_header({bytes.data(), bytes.size()});
      header.version = 2;
      seal_frame(header, {bytes.data(), bytes.size()});
      disk.overwrite(frame.file, frame.offset, bytes);
    });
    expect_refused(outcome, frame.file, StatusCode::unsupported);
  }
  // Where version 1 has the segment's size, version 2 may have anything.
  const Frame& last = frames_.back();
  const Outcome outcome = open_damaged([&](sim::SimDisk& disk) {
    std::string bytes = disk.read_file(last.file).substr(last.offset, last.bytes);
    FrameHeader header = load_header({bytes.data(), bytes.size()});
    header.version = 2;
    ++header.segment_blocks;
    seal_frame(header, {bytes.data(), bytes.size()});
    disk.overwrite(last.file, last.offset, bytes);
  });
  expect_refused(outcome, last.file, StatusCode::unsupported);
}

TEST_F(LogCorruptionTest, AReadErrorRefusesAndChangesNothing) {
  for (const std::size_t index : {std::size_t{0}, frames_.size() / 2, frames_.size() - 1}) {
    const Frame& frame = frames_[index];
    const Outcome outcome = open_damaged(
        [&](sim::SimDisk& disk) { disk.fail_reads(frame.file, frame.offset, frame.bytes); });
    expect_refused(outcome, frame.file, StatusCode::io_error);
  }
  // Past the end of the log too: what can't be read might prove something.
  const Frame& last = frames_.back();
  const Outcome outcome = open_damaged(
      [&](sim::SimDisk& disk) { disk.fail_reads(last.file, last.offset + 40960, 4096); });
  EXPECT_EQ(outcome.opened.status.code(), StatusCode::io_error);
}

TEST_F(LogCorruptionTest, SoundFramesWithImpossibleContentAreRefused) {
  // As a defect or a forger would write them: the checksum holds, the content can't be.
  const Frame& frame = frames_[frames_.size() - 3];
  const std::vector<std::function<void(FrameHeader&)>> changes = {
      [](FrameHeader& h) { h.first_position += 1; },  [](FrameHeader& h) { h.count += 1; },
      [](FrameHeader& h) { h.count -= 1; },           [](FrameHeader& h) { h.previous ^= 1; },
      [](FrameHeader& h) { h.durable_position = 1; }, [](FrameHeader& h) { h.offset += 4096; },
      [](FrameHeader& h) { h.segment_blocks += 1; },  [](FrameHeader& h) { h.raw_bytes += 1; },
      [](FrameHeader& h) { h.flags = kFlagZstd; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    SCOPED_TRACE(i);
    const Outcome outcome = open_damaged([&](sim::SimDisk& disk) {
      std::string bytes = disk.read_file(frame.file).substr(frame.offset, frame.bytes);
      FrameHeader header = load_header({bytes.data(), bytes.size()});
      changes[i](header);
      seal_frame(header, {bytes.data(), bytes.size()});
      disk.overwrite(frame.file, frame.offset, bytes);
    });
    EXPECT_EQ(outcome.opened.status.code(), StatusCode::corrupt)
        << outcome.opened.status.to_string();
    EXPECT_GE(outcome.summary.faults, 1U);
  }
}

// The next fact would want a segment of the same name.
TEST(LogSegmentTest, AFrameWithoutFactsBeginsNoSegment) {
  sim::SimDisk disk(1);
  sim::SimIo io(disk);
  ASSERT_TRUE(io.make_directory("/log").ok());
  const std::string path = segment_path("/log", Position(1));
  ASSERT_TRUE(io.create_zeroed(path, 2 * kBlockBytes).ok());
  FrameHeader header;
  header.hub_id = kTestHub;
  header.partition = 3;
  header.segment_id = header.first_position = 1;
  header.segment_blocks = 2;
  std::string frame(kBlockBytes, '\0');
  seal_frame(header, {frame.data(), frame.size()});
  disk.overwrite(path, 0, frame);
  EXPECT_EQ(open_log(io, small_log("/log")).status.code(), StatusCode::corrupt);
  const auto summary = LogReader(io, reader_options()).read({});
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->faults, 1U);
}

TEST_F(LogCorruptionTest, AnUnprovenLastBatchIsATornTail) {
  // Without a watermark, nothing tells a damaged last frame from a write that was cut short.
  const auto disk = disk_.clone(6);
  disk->set_prompt(true);
  std::uint64_t offset = 0;
  {
    sim::SimIo io(*disk);
    Opened opened = open_log(io, small_log("/log", 13), checkpoint_);
    ASSERT_TRUE(opened.status.ok());
    opened.log->append("the last one");
    ASSERT_TRUE(write_all(io, *opened.log).ok());
    LogVisitor visitor;
    visitor.on_frame = [&](const FrameInfo& info) { offset = info.offset; };
    ASSERT_TRUE(LogReader(io, reader_options()).read(visitor).ok());
  }
  const std::string& file = frames_.back().file;
  disk->flip_bit(file, offset + kHeaderBytes + 3, 2);
  sim::SimIo io(*disk);
  auto summary = LogReader(io, reader_options()).read({});
  ASSERT_TRUE(summary.ok());
  EXPECT_TRUE(summary->torn_tail);
  EXPECT_EQ(summary->faults, 0U);
  Opened opened = open_log(io, small_log("/log", 14), checkpoint_);
  ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
  EXPECT_EQ(opened.facts, expected_);
  // The remnants are gone for good.
  EXPECT_EQ(disk->read_file(file).substr(offset, 4096), std::string(4096, '\0'));
}

TEST_F(LogCorruptionTest, TheReaderReportsEveryFaultAndChangesNothing) {
  const auto disk = disk_.clone(6);
  for (const std::size_t index : {std::size_t{2}, std::size_t{7}, frames_.size() - 4}) {
    disk->flip_bit(frames_[index].file, frames_[index].offset + 50, 1);
  }
  const std::uint64_t before = disk->fingerprint();
  sim::SimIo io(*disk);
  std::vector<LogFault> faults;
  LogVisitor visitor;
  visitor.on_fault = [&](const LogFault& fault) { faults.push_back(fault); };
  auto summary = LogReader(io, reader_options()).read(visitor);
  ASSERT_TRUE(summary.ok());
  ASSERT_EQ(faults.size(), 3U);
  EXPECT_EQ(faults[0].file, frames_[2].file);
  EXPECT_EQ(faults[0].offset, frames_[2].offset);
  EXPECT_EQ(faults[0].position, frames_[2].first);
  EXPECT_EQ(faults[1].offset, frames_[7].offset);
  EXPECT_EQ(summary->frames, frames_.size() - 3);
  EXPECT_EQ(before, disk->fingerprint());
}

}  // namespace
}  // namespace ingot::log
