// Failing operations and full disks: sticky where they must be, harmless where they can be.

#include <cerrno>
#include <set>

#include "commit-log/log_reader.h"
#include "tests/commit-log/log_harness.h"

namespace ingot::log {
namespace {

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

TEST_F(LogFaultsTest, AFullDiskRefusesAndResumesUnaided) {
  open();
  disk_.set_capacity(3U << 20);  // three segments in all
  std::uint64_t written = 0;
  bool warned = false;
  Status status;
  while ((status = fill(1)).ok()) {
    ASSERT_LT(++written, 200U);
    if (!opened_.log->has_room()) {
      warned = true;
      EXPECT_EQ(opened_.log->make_room().code(), StatusCode::disk_full);
    }
  }
  EXPECT_TRUE(warned) << "admission must be refused before the disk is full";
  EXPECT_EQ(status.code(), StatusCode::disk_full);
  EXPECT_TRUE(opened_.log->failure().ok());
  EXPECT_FALSE(opened_.log->has_room());
  EXPECT_NE(opened_.log->batch_bytes(), 0U);
  EXPECT_EQ(opened_.log->durable_position().value, written);
  EXPECT_EQ(opened_.log->flush(1).code(), StatusCode::disk_full);
  opened_.log->append(fact_at(written + 2, 50000));  // the batch still grows
  // A checkpoint lets the log recycle a segment, and the batch goes out.
  ASSERT_TRUE(opened_.log->trim(Position(written)).ok());
  EXPECT_TRUE(opened_.log->has_room());
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
  EXPECT_FALSE(opened_.log->has_room());
  disk_.set_capacity(8U << 20);
  EXPECT_TRUE(opened_.log->make_room().ok());
  EXPECT_TRUE(opened_.log->has_room());
  EXPECT_TRUE(write_all(io_, *opened_.log).ok());
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
  for (std::uint64_t nth = 1;; ++nth) {
    ASSERT_LT(nth, 200U);
    disk_.fail_operation(nth, EIO);
    const Opened opened = open_log(io_, small_log("/log", ++epoch_));
    disk_.clear_faults();
    if (opened.status.ok()) break;
    EXPECT_EQ(opened.status.code(), StatusCode::io_error) << opened.status.to_string();
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
