// The log on every backend: what is durable comes back, in order, whatever the sizes.

#include "commit-log/commit_log.h"

#include <algorithm>

#include "tests/commit-log/log_harness.h"
#include "tests/support/temp_directory.h"

namespace ingot::log {
namespace {

enum class Backend { sim, uring, pwritev2 };

class CommitLogTest : public ::testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    if (GetParam() == Backend::sim) {
      disk_ = std::make_unique<sim::SimDisk>(42);
      io_ = std::make_unique<sim::SimIo>(*disk_);
      directory_ = "/log";
      return;
    }
    temp_ = std::make_unique<sim::TempDirectory>();
    directory_ = temp_->path();
    auto io =
        make_io(GetParam() == Backend::uring ? IoBackend::uring : IoBackend::pwritev2, directory_);
    if (io.status().code() == StatusCode::unsupported) GTEST_SKIP() << io.status().to_string();
    ASSERT_TRUE(io.ok()) << io.status().to_string();
    io_ = std::move(*io);
  }

  Opened reopen(Position checkpoint = Position()) {
    return open_log(*io_, small_log(directory_, ++epoch_), checkpoint);
  }

  std::size_t files_named(std::string_view prefix) {
    auto names = io_->list(directory_);
    EXPECT_TRUE(names.ok());
    return static_cast<std::size_t>(std::count_if(
        names->begin(), names->end(), [&](const auto& n) { return n.starts_with(prefix); }));
  }

  // Appends and writes `count` facts of `size` bytes, a few in each batch.
  void fill(CommitLog& log, std::uint64_t count, std::size_t size, std::uint64_t batch = 7) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t next = log.appended_position().value + 1;
      expected_[next] = fact_at(next, size);
      ASSERT_EQ(log.append(expected_[next]).value, next);
      if (i % batch == batch - 1) {
        const Status status = write_all(*io_, log);
        ASSERT_TRUE(status.ok()) << status.to_string();
      }
    }
    const Status status = write_all(*io_, log);
    ASSERT_TRUE(status.ok()) << status.to_string();
    ASSERT_EQ(log.durable_position(), log.appended_position());
  }

  std::unique_ptr<sim::SimDisk> disk_;
  std::unique_ptr<sim::TempDirectory> temp_;
  std::unique_ptr<Io> io_;
  std::string directory_;
  std::uint64_t epoch_ = 0;
  Facts expected_;
};

TEST_P(CommitLogTest, EmptyLogOpensAtPositionZero) {
  for (int i = 0; i < 3; ++i) {
    Opened opened = reopen();
    ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
    EXPECT_EQ(opened.log->durable_position().value, 0U);
    EXPECT_EQ(opened.log->appended_position().value, 0U);
    EXPECT_TRUE(opened.log->has_room(512U << 10));
    EXPECT_FALSE(opened.log->needs_watermark());
    EXPECT_TRUE(opened.facts.empty());
  }
}

TEST_P(CommitLogTest, DurableFactsComeBackInOrder) {
  {
    Opened opened = reopen();
    ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
    fill(*opened.log, 100, 300);
  }
  Opened opened = reopen();
  ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
  EXPECT_EQ(opened.facts, expected_);
  EXPECT_EQ(opened.log->durable_position().value, 100U);
  fill(*opened.log, 10, 50);
  opened.log.reset();
  opened = reopen(Position(40));
  ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
  expected_.erase(expected_.begin(), expected_.find(41));
  EXPECT_EQ(opened.facts, expected_);
}

TEST_P(CommitLogTest, FactsOfEverySizeSurvive) {
  {
    Opened opened = reopen();
    ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
    for (const std::size_t size : {0U, 1U, 127U, 128U, 3990U, 3991U, 3992U, 4096U, 65533U, 65536U,
                                   70000U, 1048576U, 3000000U, 5U}) {
      fill(*opened.log, 2, size, 2);
    }
  }
  Opened opened = reopen();
  ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
  EXPECT_EQ(opened.facts, expected_);
}

TEST_P(CommitLogTest, AFirstFactLargerThanASegmentGoesOut) {
  {
    Opened opened = reopen();
    ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
    fill(*opened.log, 1, 3000000);
    EXPECT_EQ(opened.log->counters().segments, 1U);
    fill(*opened.log, 40, 100000);
    fill(*opened.log, 1, 3000000);
  }
  Opened opened = reopen();
  ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
  EXPECT_EQ(opened.facts, expected_);
}

TEST_P(CommitLogTest, BatchLargerThanAFrameAndASegmentGoesOut) {
  {
    Opened opened = reopen();
    ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
    fill(*opened.log, 300, 10000, 300);  // 3 MB in one batch, 1 MiB segments
    EXPECT_GE(opened.log->counters().segments, 3U);
  }
  Opened opened = reopen();
  ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
  EXPECT_EQ(opened.facts, expected_);
}

TEST_P(CommitLogTest, SegmentsAreRecycledAndStaleFramesAreNotRead) {
  Position checkpoint;
  for (int round = 0; round < 4; ++round) {
    Opened opened = reopen(checkpoint);
    ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
    expected_.erase(expected_.begin(), expected_.upper_bound(checkpoint.value));
    EXPECT_EQ(opened.facts, expected_);
    for (int i = 0; i < 4; ++i) {
      fill(*opened.log, 120, 10000, 5);
      checkpoint = Position(opened.log->durable_position().value - 20);
      ASSERT_TRUE(opened.log->trim(checkpoint).ok());
    }
    const LogCounters counters = opened.log->counters();
    EXPECT_LE(counters.segments, 3U);
    EXPECT_LE(counters.live_bytes, 3U << 20);
    EXPECT_GE(counters.bytes_written, counters.payload_bytes);
  }
  EXPECT_LE(files_named("segment-"), 3U);
  EXPECT_LE(files_named("spare-"), 2U);
}

TEST_P(CommitLogTest, WatermarkCoversTheLastBatchOnce) {
  Opened opened = reopen();
  ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
  EXPECT_FALSE(opened.log->needs_watermark());
  fill(*opened.log, 3, 100);
  EXPECT_TRUE(opened.log->needs_watermark());
  ASSERT_TRUE(write_watermark(*io_, *opened.log).ok());
  EXPECT_FALSE(opened.log->needs_watermark());
  const std::uint64_t writes = opened.log->counters().writes;
  ASSERT_TRUE(write_watermark(*io_, *opened.log).ok());
  EXPECT_EQ(opened.log->counters().writes, writes);
  fill(*opened.log, 3, 100);
  opened.log.reset();
  opened = reopen();
  ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
  EXPECT_EQ(opened.facts, expected_);
  EXPECT_TRUE(opened.log->needs_watermark());
}

TEST_P(CommitLogTest, FactsAppendedWhileAWriteFliesGoOutNext) {
  Opened opened = reopen();
  ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
  CommitLog& log = *opened.log;
  log.append("one");
  ASSERT_TRUE(log.flush(1).ok());
  EXPECT_TRUE(log.write_in_flight());
  EXPECT_EQ(log.batch_bytes(), 0U);
  log.append("two");
  log.append("three");
  EXPECT_EQ(log.batch_bytes(), 10U);
  ASSERT_TRUE(log.flush(2).ok());  // does nothing while a write flies
  ASSERT_TRUE(settle(*io_, log).ok());
  EXPECT_EQ(log.durable_position().value, 1U);
  ASSERT_TRUE(write_all(*io_, log).ok());
  EXPECT_EQ(log.durable_position().value, 3U);
  EXPECT_EQ(log.counters().writes, 2U);
}

TEST_P(CommitLogTest, CompressedBatchesComeBack) {
  {
    Opened opened = reopen();
    ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
    for (int batch = 0; batch < 20; ++batch) {
      for (int i = 0; i < 200; ++i) {
        const std::uint64_t next = opened.log->appended_position().value + 1;
        std::string& fact = expected_[next];
        while (fact.size() < 700) fact += "fact " + std::to_string(next) + "; ";
        opened.log->append(fact);
      }
      ASSERT_TRUE(write_all(*io_, *opened.log).ok());
    }
    const LogCounters counters = opened.log->counters();
    EXPECT_LT(counters.bytes_written, counters.payload_bytes * 3 / 4);
  }
  Opened opened = reopen();
  ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
  EXPECT_EQ(opened.facts, expected_);
}

TEST_P(CommitLogTest, DestructionWithAWriteInFlightIsSafe) {
  for (int i = 0; i < 5; ++i) {
    Opened opened = reopen();
    ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
    opened.log->append(std::string(200000, 'x'));
    ASSERT_TRUE(opened.log->flush(1).ok());
    opened.log.reset();
    std::vector<WriteCompletion> completions;
    io_->poll(completions);
  }
}

TEST_P(CommitLogTest, AFailingReplayEndsTheOpening) {
  {
    Opened opened = reopen();
    ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
    fill(*opened.log, 10, 100);
  }
  auto log = CommitLog::open(*io_, small_log(directory_, 9), Position(), [](Position at, auto) {
    return at.value == 5 ? Status(StatusCode::internal, "no more") : Status();
  });
  EXPECT_EQ(log.status().code(), StatusCode::internal);
}

TEST_P(CommitLogTest, OptionsOutOfBoundsAreRefused) {
  for (const auto& change : std::vector<std::function<void(CommitLogOptions&)>>{
           [](auto& o) { o.segment_bytes = 1000; }, [](auto& o) { o.segment_bytes = 8ULL << 30; },
           [](auto& o) { o.segment_bytes += 4096; }, [](auto& o) { o.batch_bytes_max = 1; },
           [](auto& o) { o.batch_bytes_max = 65ULL << 20; }, [](auto& o) { o.spare_segments = 0; },
           [](auto& o) { o.spare_segments = 17; }, [](auto& o) { o.directory.clear(); }}) {
    CommitLogOptions options = small_log(directory_);
    change(options);
    EXPECT_EQ(open_log(*io_, options).status.code(), StatusCode::invalid_argument);
  }
}

TEST_P(CommitLogTest, WithoutCompressionEachFactIsWrittenAsItIs) {
  CommitLogOptions options = small_log(directory_);
  options.compress = false;
  Opened opened = open_log(*io_, options);
  ASSERT_TRUE(opened.status.ok()) << opened.status.to_string();
  for (int i = 0; i < 30; ++i) {
    opened.log->append(std::string(options.batch_bytes_max, 'z'));
    ASSERT_TRUE(write_all(*io_, *opened.log).ok());
  }
  EXPECT_GT(opened.log->counters().bytes_written, 30 * options.batch_bytes_max);
}

INSTANTIATE_TEST_SUITE_P(Backends, CommitLogTest,
                         ::testing::Values(Backend::sim, Backend::uring, Backend::pwritev2),
                         [](const auto& test) {
                           return test.param == Backend::sim     ? "Sim"
                                  : test.param == Backend::uring ? "Uring"
                                                                 : "Pwritev2";
                         });

}  // namespace
}  // namespace ingot::log
