// Segments of sound frames that do not make a log, and what a later frame proves of a bad spot
// before it (forged_log.h).

#include "tests/commit-log/forged_log.h"

namespace ingot::log {
namespace {

std::vector<Case> cases_of_segments() {
  const auto two = [](Forge& log) {
    log.segment(5);
    log.frame(2);
    log.segment();
    log.frame(2);
  };
  return {
      {"nothing at all", [](Forge&) {}, 0, StatusCode::ok, "", 0, {}, 0, false},
      {"nothing at all, and a checkpoint",
       [](Forge&) {},
       5,
       kCorrupt,
       "/log: no segments, and the checkpoint is at position 5",
       0,
       {"/log: the log has no segments"},
       0,
       false},
      {"only what the checkpoint does not have", two, 4, StatusCode::ok, "", 8, {}, 4, false},
      {"a checkpoint in the second segment", two, 7, StatusCode::ok, "", 8, {}, 4, false},
      {"a gap behind the checkpoint",
       two,
       2,
       kCorrupt,
       "the log starts at position 5, the checkpoint ends at 2; what lies between is missing",
       0,
       {"what lies between the checkpoint and this is missing"},
       4,
       false},
      {"the first facts are missing, and no checkpoint is known",
       two,
       0,
       kCorrupt,
       "the log starts at position 5, the checkpoint ends at 0",
       0,
       {},
       4,
       false},
      {"a gap between segments",
       [](Forge& log) {
         log.segment();
         log.frame(2);
         log.segment(9);
         log.frame(2);
       },
       0,
       kCorrupt,
       "position 3: found no frame; the segment that starts at position 9 proves that",
       0,
       {"position 3: found no frame"},
       4,
       false},
      {"segments that overlap",
       [](Forge& log) {
         log.segment();
         log.frame(6);
         log.segment(3);
         log.frame(2);
       },
       0,
       kCorrupt,
       "position 7: found no frame; the segment that starts at position 3 proves that",
       0,
       {"position 7: found no frame"},
       8,
       false},
      {"a full segment that lacks facts",
       [](Forge& log) {
         log.segment(1, 2);
         log.fill();
         log.segment(5);
         log.frame();
       },
       0,
       kCorrupt,
       "offset 8192, position 3: found the end of the segment; the segment that starts at position "
       "5",
       0,
       {"position 3: the segment ends before its last position"},
       3,
       false},
      {"a full segment, the last one",
       [](Forge& log) {
         log.segment(1, 2);
         log.fill();
       },
       0,
       StatusCode::ok,
       "",
       2,
       {},
       2,
       false},
      {"a full segment that ends before the checkpoint",
       [](Forge& log) {
         log.segment(1, 2);
         log.fill();
       },
       7,
       kCorrupt,
       "offset 8192, position 3: found the end of the segment; the checkpoint at position 7 proves",
       0,
       {"the log ends before position 7, where the checkpoint is"},
       2,
       false},
      {"an end before the checkpoint",
       [](Forge& log) {
         log.segment();
         log.frame();
       },
       7,
       kCorrupt,
       "offset 4096, position 2: found no frame; the checkpoint at position 7 proves that it was",
       0,
       {"position 2: found no frame", "ends before position 7, where the checkpoint is"},
       1,
       false},
      {"what lies behind the facts of a sealed segment is not looked at",
       [](Forge& log) {
         log.segment();
         log.frame();
         log.frame(1, [](auto& h) { h.hub_id = 1; });
         log.next_ = 2;
         log.segment();
         log.frame(1, [](auto& h) { h.previous = 0; });
       },
       0,
       kCorrupt,
       "the frame does not follow",
       0,
       {"the frame does not follow"},
       2,
       false},
      {"a sealed segment with a bad tail",
       [](Forge& log) {
         log.segment();
         log.frame();
         const std::uint64_t previous = log.previous_;
         log.frame(1);
         log.damage();
         log.next_ = 2;
         log.previous_ = previous;
         log.segment();
         log.frame();
       },
       0,
       StatusCode::ok,
       "",
       2,
       {},
       2,
       false},
      {"a segment of one block",
       [](Forge& log) { log.segment(1, 1); },
       0,
       kCorrupt,
       "a segment can't have 4096 bytes",
       0,
       {"a segment can't have 4096 bytes"},
       0,
       false},
      {"a segment of no whole blocks",
       [](Forge& log) {
         log.segment();
         log.frame();
         log.disk_.resize(log.path_, kBlocks * kBlockBytes - 7);
       },
       0,
       kCorrupt,
       "a segment can't have 262137 bytes",
       0,
       {"a segment can't have 262137 bytes"},
       0,
       false},
      {"a first segment that can't be one, and a second",
       [](Forge& log) {
         log.segment(1, 1);
         log.next_ = 5;
         log.segment();
         log.frame();
       },
       0,
       kCorrupt,
       "a segment can't have 4096 bytes",
       0,
       {"a segment can't have 4096 bytes"},
       1,
       false},
      {"the last position there is",
       [](Forge& log) {
         log.segment(~0ULL - 1);
         log.frame(1);
       },
       ~0ULL - 2,
       StatusCode::ok,
       "",
       ~0ULL - 1,
       {},
       1,
       false},
  };
}

// What a later frame proves of a bad spot before it.
std::vector<Case> cases_of_proofs() {
  // Two sound frames, a damaged third one at offset 8192, and a fourth one.
  const auto with_fourth = [](const Forge::Change& change, std::uint64_t gap = 0) {
    return [=](Forge& log) {
      with_third(log, false, nullptr);
      log.damage();
      log.skip(gap);
      log.frame(1, change);
    };
  };
  const std::string proof = "the frame at offset 12288 proves that it was durable";
  const std::string damaged = "a frame whose checksum or length is wrong";
  const auto same_write = [](auto& h) {
    h.write_offset = 8192;
    h.durable_position = 2;
  };
  std::vector<Case> cases = {
      {"a frame of a later write",
       with_fourth(nullptr),
       0,
       kCorrupt,
       proof,
       0,
       {damaged},
       3,
       false},
      {"a frame of the same write", with_fourth(same_write), 0, StatusCode::ok, "", 2, {}, 2, true},
      {"a frame of an earlier write that knows of the spot",
       with_fourth([](auto& h) { h.write_offset = 4096; }),
       0,
       kCorrupt,
       proof,
       0,
       {damaged},
       3,
       false},
      {"a newer frame",
       with_fourth([](auto& h) {
         h.version = 3;
         h.write_offset = 8192;
         h.durable_position = 2;
       }),
       0,
       kCorrupt,
       proof,
       0,
       {damaged},
       2,
       false},
      {"a misplaced frame of a later write",
       with_fourth([](auto& h) { h.offset = 0; }),
       0,
       kCorrupt,
       proof,
       0,
       {damaged},
       2,
       false},
      {"a frame of this segment when it had another size",
       with_fourth([](auto& h) { h.segment_blocks = 7; }),
       0,
       StatusCode::ok,
       "",
       2,
       {},
       2,
       true},
      {"a frame of another partition",
       with_fourth([](auto& h) { h.partition = 8; }),
       0,
       StatusCode::ok,
       "",
       2,
       {},
       2,
       true},
      {"a damaged frame",
       [=](Forge& log) {
         with_fourth(nullptr)(log);
         log.damage();
       },
       0,
       StatusCode::ok,
       "",
       2,
       {},
       2,
       true},
      {"a later frame behind a hole",
       with_fourth(nullptr, 20),
       0,
       kCorrupt,
       "the frame at offset 94208 proves",
       0,
       {damaged},
       3,
       false},
      {"a stale frame before a later one",
       [](Forge& log) {
         with_third(log, false, [](auto& h) { h.segment_id = 9; });
         log.frame();
       },
       0,
       kCorrupt,
       proof,
       0,
       {"an earlier use of the file"},
       3,
       false},
      {"a block that can't be read, last",
       [](Forge& log) {
         with_third(log, false, nullptr);
         log.unreadable();
       },
       0,
       StatusCode::io_error,
       "segment-00000000000000000001.log",
       0,
       {"offset 0, position 1"},
       0,
       false},
  };
  // The reader goes on behind each of them.
  cases.push_back({"two damaged frames",
                   [](Forge& log) {
                     log.segment();
                     for (int i = 0; i < 9; ++i) {
                       log.frame();
                       if (i == 2 || i == 5) log.damage();
                     }
                     log.segment();
                     log.frame();
                   },
                   0,
                   kCorrupt,
                   "offset 8192, position 3: found a frame whose checksum",
                   0,
                   {"offset 8192, position 3", "offset 20480, position 6"},
                   8,
                   false});
  cases.push_back({"a sealed segment whose end is damaged",
                   [](Forge& log) {
                     with_third(log, false, nullptr);
                     log.damage();
                     log.segment();
                     log.frame();
                   },
                   0,
                   kCorrupt,
                   "the segment that starts at position 4 proves",
                   0,
                   {damaged},
                   3,
                   false});
  return cases;
}

TEST_F(ForgedLogTest, SegmentsThatDoNotMakeALog) { prove(cases_of_segments()); }
TEST_F(ForgedLogTest, WhatLaterFramesProve) { prove(cases_of_proofs()); }

TEST_F(ForgedLogTest, ALogThatMustExistIsMissed) {
  sim::SimDisk disk(1);
  sim::SimIo io(disk);
  ASSERT_TRUE(io.make_directory("/log").ok());
  CommitLogOptions options = small_log("/log");
  options.must_exist = true;
  EXPECT_EQ(open_log(io, options).status.message(), "/log: no segments");
}

TEST_F(ForgedLogTest, WhoReadsCanEndTheReading) {
  sim::SimDisk disk(1);
  Forge forge(disk);
  forge.segment();
  forge.frame(5);
  LogVisitor visitor;
  visitor.on_fact = [](Position at, std::string_view) {
    return at.value < 3 ? Status() : Status(StatusCode::cancelled, "enough");
  };
  const auto summary =
      LogReader(forge.io_, {"/log", kTestHub, PartitionId(3), Position()}).read(visitor);
  EXPECT_EQ(summary.status().message(), "enough");
}

// Each block in turn can't be read: no opening, and a reader that says so once and reads the other
// segments.
TEST_F(ForgedLogTest, WhatCannotBeReadIsToldOnce) {
  // Larger than what is read at once.
  constexpr std::uint64_t kLarge = 400;
  for (const std::uint64_t bad : {0ULL, 1ULL, 255ULL, 256ULL, 300ULL, 399ULL}) {
    for (const bool damaged : {false, true}) {
      SCOPED_TRACE(std::to_string(bad) + (damaged ? ", behind a damaged frame" : ""));
      sim::SimDisk disk(1);
      disk.set_prompt(true);
      Forge forge(disk);
      forge.segment(1, kLarge);
      forge.frame(1);
      if (damaged) forge.damage();
      while (forge.offset_ < 270 * kBlockBytes) forge.frame();
      const std::string file = forge.path_;
      forge.segment();
      forge.frame();
      disk.fail_reads(file, bad * kBlockBytes, kBlockBytes);
      sim::SimIo io(disk);
      std::vector<LogFault> faults;
      LogVisitor visitor;
      visitor.on_fault = [&](const LogFault& fault) { faults.push_back(fault); };
      const auto summary =
          LogReader(io, {"/log", kTestHub, PartitionId(3), Position()}).read(visitor);
      ASSERT_TRUE(summary.ok());
      EXPECT_EQ(summary->last.value, 271U);
      for (const LogFault& fault : faults) EXPECT_EQ(fault.file, file) << fault.status.to_string();
      std::size_t unread = 0;
      for (const LogFault& fault : faults) {
        unread += fault.status.code() == StatusCode::io_error ? 1 : 0;
      }
      EXPECT_EQ(unread, 1U);
      EXPECT_EQ(faults.size(), damaged && bad >= 256 ? 2U : 1U);
      const Opened opened = open_log(io, small_log("/log"));
      EXPECT_FALSE(opened.status.ok());
      if (!damaged) {
        EXPECT_EQ(opened.status.code(), StatusCode::io_error);
      }
    }
  }
}

// A bad spot near what can't be read: what would prove that it was durable, or where to go on, is
// not known, and that is told.
TEST_F(ForgedLogTest, WhatMayProveSomethingAndCannotBeReadIsTold) {
  for (const bool proven : {false, true}) {
    SCOPED_TRACE(proven);
    sim::SimDisk disk(1);
    disk.set_prompt(true);
    Forge forge(disk);
    forge.segment(1, 400);
    forge.frame();
    forge.frame();
    forge.damage();
    if (proven) forge.frame(1, [](auto& h) { h.version = 2; });
    disk.fail_reads(forge.path_, 300 * kBlockBytes, kBlockBytes);
    sim::SimIo io(disk);
    std::vector<Status> faults;
    LogVisitor visitor;
    visitor.on_fault = [&](const LogFault& fault) { faults.push_back(fault.status); };
    const auto summary =
        LogReader(io, {"/log", kTestHub, PartitionId(3), Position()}).read(visitor);
    ASSERT_TRUE(summary.ok());
    EXPECT_FALSE(summary->torn_tail);
    ASSERT_EQ(faults.size(), proven ? 2U : 1U);
    EXPECT_EQ(faults.front().code(), proven ? StatusCode::corrupt : StatusCode::io_error);
    EXPECT_EQ(faults.back().code(), StatusCode::io_error);
    EXPECT_NE(faults.back().message().find("offset 4096, position 2"), std::string::npos);
    EXPECT_EQ(open_log(io, small_log("/log")).status.code(), faults.front().code());
  }
}

}  // namespace
}  // namespace ingot::log
