// Failing operations and full disks: sticky where they must be, harmless where they can be.

#include <cerrno>
#include <set>

#include "commit-log/log_reader.h"
#include "tests/commit-log/log_harness.h"

namespace ingot::log {
namespace {

constexpr std::uint64_t kFact = 50000;

class LogFaultsTest : public ::testing::Test {
 protected:
  LogFaultsTest() { disk_.set_prompt(true); }

  void open(Position checkpoint = Position()) {
    opened_.log.reset();
    opened_ = open_log(io_, small_log("/log", ++epoch_), checkpoint);
    ASSERT_TRUE(opened_.status.ok()) << opened_.status.to_string();
  }

  // Appends and writes facts of 50 kB until one can't be written; true when one could not.
  Status fill(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      opened_.log->append(fact_at(opened_.log->appended_position().value + 1, 50000));
      if (Status status = write_all(io_, *opened_.log); !status.ok()) return status;
    }
    return {};
  }

  void expect_facts(std::uint64_t first, std::uint64_t last) {
    EXPECT_EQ(opened_.facts.size(), last - first + 1);
    for (std::uint64_t at = first; at <= last; ++at) {
      EXPECT_EQ(opened_.facts[at], fact_at(at, 50000)) << at;
    }
  }

  sim::SimDisk disk_{5};
  sim::SimIo io_{disk_};
  Opened opened_;
  std::uint64_t epoch_ = 0;
};

TEST_F(LogFaultsTest, AFailedWriteIsSticky) {
  for (std::uint64_t nth = 1; nth <= 4; ++nth) {
    SCOPED_TRACE(nth);
    open();
    const std::uint64_t before = opened_.log->durable_position().value;
    disk_.fail_write(nth, EIO);
    const Status status = fill(10);
    EXPECT_EQ(status.code(), StatusCode::io_error);
    EXPECT_EQ(opened_.log->durable_position().value, before + nth - 1);
    EXPECT_EQ(opened_.log->failure().code(), StatusCode::io_error);
    const std::uint64_t writes = opened_.log->counters().writes;
    opened_.log->append("more");
    EXPECT_FALSE(opened_.log->flush(1).ok());
    EXPECT_FALSE(opened_.log->write_watermark(1).ok());
    EXPECT_FALSE(opened_.log->trim(Position(1)).ok());
    EXPECT_FALSE(opened_.log->make_room().ok());
    EXPECT_FALSE(opened_.log->needs_watermark());
    EXPECT_FALSE(opened_.log->write_in_flight());
    EXPECT_EQ(opened_.log->counters().writes, writes);
    open();
    EXPECT_GE(opened_.log->durable_position().value, before + nth - 1);
    EXPECT_LE(opened_.log->durable_position().value, before + nth);
    expect_facts(1, opened_.log->durable_position().value);
  }
}

TEST_F(LogFaultsTest, ADeviceThatReportsNoSpaceForAWriteIsAFailure) {
  open();
  disk_.fail_write(1, ENOSPC);  // into a zero-written range: that is no ordinary full disk
  EXPECT_FALSE(fill(1).ok());
  EXPECT_FALSE(opened_.log->failure().ok());
}

// Room was promised for each fact. So what has been appended is written, or the log has failed: who
// waits for it must not wait for ever.
TEST_F(LogFaultsTest, WhateverFindsNoSpaceNoAppendedFactIsStuck) {
  std::uint64_t failures = 0;
  for (std::uint64_t nth = 1; nth <= 120; ++nth) {
    SCOPED_TRACE(nth);
    sim::SimDisk disk(nth);
    disk.set_prompt(true);
    sim::SimIo io(disk);
    Opened opened = open_log(io, small_log("/log"), Position());
    ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
    disk.fail_operation(nth, ENOSPC);
    Status status;
    for (int i = 0; i < 60 && status.ok(); ++i) {
      while (!opened.log->has_room(kFact) && opened.log->failure().ok()) {
        static_cast<void>(opened.log->make_room());
      }
      opened.log->append(fact_at(opened.log->appended_position().value + 1, 50000));
      status = write_all(io, *opened.log);
    }
    if (status.ok()) continue;
    ++failures;
    EXPECT_EQ(opened.log->failure().to_string(), status.to_string());
  }
  EXPECT_NE(failures, 0U);
}

TEST_F(LogFaultsTest, TheFirstFailureIsTheOneThatIsTold) {
  open();
  ASSERT_TRUE(fill(30).ok());
  opened_.log->append("in flight");
  ASSERT_TRUE(opened_.log->flush(1).ok());
  disk_.fail_operation(1, EIO);
  const Status first = opened_.log->trim(opened_.log->durable_position());
  ASSERT_EQ(first.code(), StatusCode::io_error);
  const Status later(StatusCode::io_error, "a later one");
  EXPECT_EQ(opened_.log->on_write(later).to_string(), first.to_string());
  EXPECT_EQ(opened_.log->failure().to_string(), first.to_string());
  std::vector<WriteCompletion> completions;
  io_.poll(completions);
}

TEST_F(LogFaultsTest, AFullDiskRefusesAndResumesUnaided) {
  open();
  disk_.set_capacity(3U << 20);  // three segments in all
  std::uint64_t written = 0;
  bool warned = false;
  Status status;
  while ((status = fill(1)).ok()) {
    ASSERT_LT(++written, 200U);
    if (!opened_.log->has_room(kFact)) {
      warned = true;
      EXPECT_EQ(opened_.log->make_room().code(), StatusCode::disk_full);
    }
  }
  EXPECT_TRUE(warned) << "admission must be refused before the disk is full";
  EXPECT_EQ(status.code(), StatusCode::disk_full);
  EXPECT_TRUE(opened_.log->failure().ok());
  EXPECT_FALSE(opened_.log->has_room(kFact));
  EXPECT_NE(opened_.log->batch_bytes(), 0U);
  EXPECT_EQ(opened_.log->durable_position().value, written);
  EXPECT_EQ(opened_.log->flush(1).code(), StatusCode::disk_full);
  opened_.log->append(fact_at(written + 2, 50000));  // the batch still grows
  // A checkpoint lets the log recycle a segment, and the batch goes out.
  ASSERT_TRUE(opened_.log->trim(Position(written)).ok());
  EXPECT_TRUE(opened_.log->has_room(kFact));
  ASSERT_TRUE(write_all(io_, *opened_.log).ok());
  EXPECT_EQ(opened_.log->durable_position().value, written + 2);
  open(Position(written));
  expect_facts(written + 1, written + 2);
}

TEST_F(LogFaultsTest, SpaceGivenBackIsFoundByMakeRoom) {
  open();
  disk_.set_capacity(1U << 20);
  while (fill(1).ok()) {
  }
  EXPECT_EQ(opened_.log->make_room().code(), StatusCode::disk_full);
  EXPECT_FALSE(opened_.log->has_room(kFact));
  disk_.set_capacity(8U << 20);
  EXPECT_TRUE(opened_.log->make_room().ok());
  EXPECT_TRUE(opened_.log->has_room(kFact));
  EXPECT_TRUE(write_all(io_, *opened_.log).ok());
}

// Descriptors and threads may be short for a moment, and no spare has to be there just then.
TEST_F(LogFaultsTest, ASpareThatCannotBeMadeForAWhileIsNoFailure) {
  open();
  ASSERT_TRUE(fill(1).ok());
  for (int tries = 0; tries < 20; ++tries) {
    disk_.fail_operation(1, EMFILE);
    EXPECT_EQ(opened_.log->make_room().code(), StatusCode::io_error);
    ASSERT_TRUE(opened_.log->failure().ok()) << tries;
  }
  EXPECT_TRUE(opened_.log->make_room().ok());
  ASSERT_TRUE(fill(30).ok());
  open();
  expect_facts(1, 31);
}

TEST_F(LogFaultsTest, ASpareThatCanNeverBeMadeIsAFailure) {
  open();
  for (int tries = 0; opened_.log->failure().ok(); ++tries) {
    ASSERT_LT(tries, 1000);
    disk_.fail_operation(1, EIO);
    EXPECT_EQ(opened_.log->make_room().code(), StatusCode::io_error);
  }
  disk_.clear_faults();
  EXPECT_FALSE(opened_.log->make_room().ok());
}

TEST_F(LogFaultsTest, WhoAsksForRoomNeverMeetsAFullDisk) {
  // Random facts in random batches, appended only when there is room, on disks of any small size.
  constexpr std::uint64_t kFactMax = 512U << 10;
  std::uint64_t lacks = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    sim::SimDisk disk(seed);
    disk.set_prompt(random.one_in(2));
    disk.set_capacity((1 + random.below(5)) << 20);
    sim::SimIo io(disk);
    CommitLogOptions options = small_log("/log", seed);
    options.batch_bytes_max = (64U << 10) << random.below(5);
    options.spare_segments = 1 + static_cast<std::uint32_t>(random.below(3));
    Opened opened = open_log(io, options);
    ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
    CommitLog& log = *opened.log;
    const std::uint64_t usual = random.one_in(2) ? 5000 : 100000;
    for (int i = 0; i < 400; ++i) {
      const std::uint64_t batch = 1 + random.below(20);
      for (std::uint64_t n = 0; n < batch && log.has_room(kFactMax); ++n) {
        const std::uint64_t size = random.one_in(20) ? kFactMax : random.below(usual);
        log.append(std::string(size, 'f'));
      }
      const Status flushed = log.flush(1);
      ASSERT_TRUE(flushed.ok()) << flushed.to_string();
      if (random.one_in(2)) {
        ASSERT_TRUE(settle(io, log).ok());
        if (random.one_in(3)) {
          ASSERT_TRUE(log.write_watermark(1).ok());
        }
      }
      if (log.has_room(kFactMax)) continue;
      ++lacks;
      const Status made = log.make_room();
      ASSERT_TRUE(made.ok() || made.code() == StatusCode::disk_full) << made.to_string();
      // What was appended still becomes durable, and trimming makes room.
      const Status written = write_all(io, log);
      ASSERT_TRUE(written.ok()) << written.to_string();
      ASSERT_EQ(log.durable_position(), log.appended_position());
      if (!random.one_in(4)) continue;
      ASSERT_TRUE(log.trim(log.durable_position()).ok());
      ASSERT_TRUE(log.has_room(kFactMax) || log.counters().segments == 1);
    }
  }
  EXPECT_GT(lacks, 1000U);
}

TEST_F(LogFaultsTest, OpeningOnAFullDiskIsRefusedAndRepeatable) {
  disk_.set_capacity(100);
  EXPECT_EQ(open_log(io_, small_log("/log")).status.code(), StatusCode::disk_full);
  disk_.set_capacity(8U << 20);
  open();
  EXPECT_TRUE(fill(3).ok());
}

TEST_F(LogFaultsTest, EveryFailingOperationOfAnOpeningIsReported) {
  open();
  ASSERT_TRUE(fill(30).ok());
  opened_.log.reset();
  // All of it, and what is behind a checkpoint in the second segment.
  for (const std::uint64_t checkpoint : {0, 29}) {
    for (std::uint64_t nth = 1;; ++nth) {
      ASSERT_LT(nth, 200U);
      disk_.fail_operation(nth, EIO);
      const Opened opened = open_log(io_, small_log("/log", ++epoch_), Position(checkpoint));
      disk_.clear_faults();
      if (opened.status.ok()) break;
      EXPECT_EQ(opened.status.code(), StatusCode::io_error) << opened.status.to_string();
    }
  }
  open();
  expect_facts(1, 30);
}

TEST_F(LogFaultsTest, ACrashAtEveryOperationOfALifeLosesNothing) {
  // A short life with rolling, trimming and a watermark, cut at each of its operations in turn.
  for (std::uint64_t nth = 1;; ++nth) {
    SCOPED_TRACE(nth);
    ASSERT_LT(nth, 500U);
    sim::SimDisk disk(nth);
    disk.set_prompt(true);
    disk.crash_at_operation(nth);
    std::uint64_t durable = 0;
    Position checkpoint;
    {
      sim::SimIo io(disk);
      Opened opened = open_log(io, small_log("/log", 1));
      for (int i = 0; opened.status.ok() && i < 50; ++i) {
        opened.log->append(fact_at(opened.log->appended_position().value + 1, 50000));
        if (!opened.log->flush(1).ok()) break;
        std::vector<WriteCompletion> completions;
        io.poll(completions);
        if (completions.empty()) break;  // crashed
        if (!opened.log->on_write(completions[0].status).ok()) break;
        durable = opened.log->durable_position().value;
        if (i % 10 == 9) {
          checkpoint = Position(durable - 3);
          if (!opened.log->trim(checkpoint).ok()) break;
        }
      }
    }
    const bool crashed = disk.crashed();
    disk.clear_faults();
    sim::SimIo io(disk);
    Opened opened = open_log(io, small_log("/log", 2), checkpoint);
    ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
    ASSERT_GE(opened.log->durable_position().value, durable);
    ASSERT_LE(opened.log->durable_position().value, durable + 1);
    for (const auto& [position, fact] : opened.facts) ASSERT_EQ(fact, fact_at(position, 50000));
    if (!crashed) break;
  }
}

TEST_F(LogFaultsTest, LeftoversOfAnInterruptedCreationAreRemoved) {
  open();
  ASSERT_TRUE(fill(3).ok());
  opened_.log.reset();
  ASSERT_TRUE(io_.create_zeroed("/log/spare-7.log.tmp", 4096).ok());
  ASSERT_TRUE(io_.create_zeroed("/log/.probe-1-0", 8192).ok());
  ASSERT_TRUE(io_.create_zeroed("/log/.probe-1-1.tmp", 8192).ok());
  ASSERT_TRUE(io_.create_zeroed("/log/spare-8.log", 4096).ok());  // too small to serve
  for (int i = 20; i < 25; ++i) {
    ASSERT_TRUE(io_.create_zeroed("/log/spare-" + std::to_string(i) + ".log", 1U << 20).ok());
  }
  ASSERT_TRUE(io_.create_zeroed("/log/notes.txt", 4096).ok());
  open();
  expect_facts(1, 3);
  auto names = io_.list("/log");
  ASSERT_TRUE(names.ok());
  EXPECT_EQ(*names, (std::vector<std::string>{"notes.txt", "segment-00000000000000000001.log",
                                              "spare-20.log", "spare-21.log"}));
}

TEST_F(LogFaultsTest, ATornWriteOfSeveralFramesIsATornTail) {
  // A later frame of the same write may be whole while an earlier one is not: that proves nothing.
  std::set<std::uint64_t> ends;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    sim::SimDisk disk(seed);
    for (std::uint64_t life = 1; life <= 3; ++life) {
      sim::SimIo io(disk);
      Opened opened = open_log(io, small_log("/log", life));
      ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
      for (const auto& [position, fact] : opened.facts) ASSERT_EQ(fact, fact_at(position, 3000));
      if (life == 1) {  // something durable in front
        opened.log->append(fact_at(1, 3000));
        ASSERT_TRUE(write_all(io, *opened.log).ok());
      }
      ASSERT_GE(opened.log->durable_position().value, 1U);
      ends.insert(opened.log->durable_position().value);
      for (int i = 0; i < 100; ++i) {  // five frames
        opened.log->append(fact_at(opened.log->appended_position().value + 1, 3000));
      }
      ASSERT_TRUE(opened.log->flush(1).ok());
      ASSERT_TRUE(opened.log->write_in_flight());
      disk.crash();
    }
  }
  EXPECT_GT(ends.size(), 3U);
}

TEST_F(LogFaultsTest, EveryBatchLeavesRoomForItsWatermark) {
  open();
  for (std::uint64_t i = 0; i < 700; ++i) {  // one to four blocks each: every way to fill a segment
    opened_.log->append(std::string(i % 4 * 4096 + 3000, 'x'));
    ASSERT_TRUE(write_all(io_, *opened_.log).ok());
    // Covered by the name of a fresh segment, or by a watermark to come.
    ASSERT_TRUE(opened_.log->needs_watermark()) << i;
    if (i % 7 == 0) {
      ASSERT_TRUE(write_watermark(io_, *opened_.log).ok());
      ASSERT_FALSE(opened_.log->needs_watermark());
    }
  }
}

TEST_F(LogFaultsTest, WhatAKilledProcessLeftInTheKernelBecomesDurable) {
  // A write that nobody was told about, seen by the next incarnation, must not vanish afterwards.
  int seen = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    sim::SimDisk disk(seed);
    {
      sim::SimIo io(disk);
      Opened opened = open_log(io, small_log("/log", 1));
      ASSERT_TRUE(opened.status.ok());
      opened.log->append("told to nobody");
      ASSERT_TRUE(opened.log->flush(1).ok());
      disk.kill();
    }
    std::uint64_t end = 0;
    {
      sim::SimIo io(disk);
      Opened opened = open_log(io, small_log("/log", 2));
      ASSERT_TRUE(opened.status.ok());
      end = opened.log->durable_position().value;
    }
    disk.crash();
    sim::SimIo io(disk);
    Opened opened = open_log(io, small_log("/log", 3));
    ASSERT_TRUE(opened.status.ok());
    EXPECT_EQ(opened.log->durable_position().value, end) << "seed " << seed;
    seen += static_cast<int>(end);
  }
  EXPECT_GT(seen, 0);
}

}  // namespace
}  // namespace ingot::log
