// Spares are ready when they are listed, and segments are retired in order.

#include "commit-log/segment_pool.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <thread>

#include "commit-log/segment_files.h"
#include "tests/support/sim_io.h"
#include "tests/support/temp_directory.h"

namespace ingot::log {
namespace {

constexpr std::uint64_t kSegment = 1U << 20;

TEST(SegmentFilesTest, NamesAreExact) {
  EXPECT_EQ(segment_path("/d", Position(7)), "/d/segment-00000000000000000007.log");
  EXPECT_EQ(segment_path("/d", Position(UINT64_MAX)), "/d/segment-18446744073709551615.log");
  EXPECT_EQ(parse_segment_name("segment-00000000000000000007.log"), Position(7));
  for (const char* bad :
       {"", "segment-7.log", "segment-00000000000000000000.log", "segment-0000000000000000000x.log",
        "segment-99999999999999999999.log", "Segment-00000000000000000007.log",
        "segment-00000000000000000007.log.tmp", "segment--0000000000000000007.log"}) {
    EXPECT_FALSE(parse_segment_name(bad).has_value()) << bad;
  }
}

TEST(SegmentFilesTest, ListingSortsThingsOut) {
  sim::SimDisk disk(1);
  sim::SimIo io(disk);
  for (const char* name :
       {"/d/spare-3.log", "/d/segment-00000000000000000020.log", "/d/x",
        "/d/segment-00000000000000000003.log", "/d/spare-12.log", "/d/spare-4.log.tmp",
        "/other/spare-99.log", "/d/spare-x.log", "/d/spare-.log",
        "/d/segment-00000000000000000040.log.tmp", "/d/spare-99999999999999999999.log"}) {
    ASSERT_TRUE(io.create_zeroed(name, 4096).ok());
  }
  auto listing = list_log_directory(io, "/d");
  ASSERT_TRUE(listing.ok());
  ASSERT_EQ(listing->segments.size(), 2U);
  EXPECT_EQ(listing->segments[0].first, Position(3));
  EXPECT_EQ(listing->segments[1].first, Position(20));
  EXPECT_EQ(listing->spares.size(), 2U);
  EXPECT_EQ(listing->leftovers, (std::vector<std::string>{"/d/segment-00000000000000000040.log.tmp",
                                                          "/d/spare-4.log.tmp"}));
  EXPECT_EQ(listing->next_spare, 13U);
}

TEST(SegmentPoolTest, SparesAreMadeOnceWantedAndUpToTheLimit) {
  sim::SimDisk disk(1);
  sim::SimIo io(disk);
  SegmentPool pool(io, "/d", kSegment, 2, {}, 5);
  EXPECT_EQ(pool.ready(), 0U);
  EXPECT_TRUE(disk.paths().empty());
  pool.want_spares();
  EXPECT_EQ(pool.ready(), 2U);
  EXPECT_EQ(disk.paths(), (std::vector<std::string>{"/d/spare-5.log", "/d/spare-6.log"}));
  pool.want_spares();
  EXPECT_TRUE(pool.retry().ok());
  EXPECT_EQ(pool.ready(), 2U);  // who has enough is given no more
  auto taken = pool.take(100);
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(pool.ready(), 1U);
  pool.want_spares();
  EXPECT_EQ(pool.ready(), 2U);
  auto large = pool.take(3 * kSegment);
  ASSERT_TRUE(large.ok());
  EXPECT_EQ(disk.file_size(*large), 3 * kSegment);
  EXPECT_EQ(pool.ready(), 2U);
}

TEST(SegmentPoolTest, RetiredSegmentsAreRecycledThenRemoved) {
  sim::SimDisk disk(1);
  sim::SimIo io(disk);
  SegmentPool pool(io, "/d", kSegment, 1, {}, 0);
  for (const char* name : {"/d/a", "/d/b", "/d/c"}) {
    ASSERT_TRUE(io.create_zeroed(name, kSegment).ok());
  }
  ASSERT_TRUE(io.create_zeroed("/d/large", 2 * kSegment).ok());
  pool.retire("/d/large", 2 * kSegment);
  EXPECT_EQ(pool.ready(), 0U);
  pool.retire("/d/a", kSegment);
  EXPECT_EQ(pool.ready(), 1U);
  pool.retire("/d/b", kSegment);
  EXPECT_TRUE(pool.failure().ok());
  EXPECT_EQ(disk.paths(), (std::vector<std::string>{"/d/c", "/d/spare-0.log"}));
}

TEST(SegmentPoolTest, NothingIsRetiredAfterAFailure) {
  sim::SimDisk disk(1);
  sim::SimIo io(disk);
  SegmentPool pool(io, "/d", kSegment, 1, {}, 0);
  ASSERT_TRUE(io.create_zeroed("/d/a", kSegment).ok());
  ASSERT_TRUE(io.create_zeroed("/d/b", kSegment).ok());
  disk.fail_operation(1, EIO);
  pool.retire("/d/a", kSegment);
  pool.retire("/d/b", kSegment);
  EXPECT_EQ(pool.failure().code(), StatusCode::io_error);
  EXPECT_EQ(disk.paths(), (std::vector<std::string>{"/d/a", "/d/b"}));
}

TEST(SegmentPoolTest, AFailedCreationIsTriedAgainOnDemand) {
  sim::SimDisk disk(1);
  sim::SimIo io(disk);
  SegmentPool pool(io, "/d", kSegment, 1, {}, 0);
  disk.set_capacity(10);
  pool.want_spares();
  const std::uint64_t operations = disk.operations();
  pool.want_spares();
  EXPECT_EQ(disk.operations(), operations);  // not again by itself
  EXPECT_EQ(pool.retry().code(), StatusCode::disk_full);
  EXPECT_EQ(pool.take(100).status().code(), StatusCode::disk_full);
  disk.set_capacity(10 * kSegment);
  EXPECT_TRUE(pool.retry().ok());
  EXPECT_EQ(pool.ready(), 1U);
}

TEST(SegmentPoolTest, TheBackgroundThreadServesARunningOwner) {
  const sim::TempDirectory temp;
  auto io = make_io(IoBackend::pwritev2, temp.path());
  ASSERT_TRUE(io.ok()) << io.status().to_string();
  SegmentPool pool(**io, temp.path(), kSegment, 2, {}, 0);
  std::vector<std::string> taken;
  for (int i = 0; i < 40; ++i) {
    pool.want_spares();
    auto path = pool.take(100);
    ASSERT_TRUE(path.ok()) << path.status().to_string();
    taken.push_back(*path);
    if (taken.size() > 3) {
      pool.retire(taken.front(), kSegment);
      taken.erase(taken.begin());
    }
  }
  pool.want_spares();
  while (pool.ready() < 2) std::this_thread::yield();
  EXPECT_TRUE(pool.failure().ok());
}

// Spares are written slowly while no one is short of them.
class SlowSpares : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kLarge = 16U << 20;

  void SetUp() override {
    auto io = make_io(IoBackend::pwritev2, temp_.path());
    ASSERT_TRUE(io.ok()) << io.status().to_string();
    io_ = std::move(*io);
  }
  [[nodiscard]] std::size_t unfinished() const {
    auto listing = list_log_directory(*io_, temp_.path());
    EXPECT_TRUE(listing.ok());
    return listing->leftovers.size();
  }

  const sim::TempDirectory temp_;
  std::unique_ptr<Io> io_;
};

TEST_F(SlowSpares, OneInTheMakingIsGivenUpAtTheEnd) {
  {
    SegmentPool pool(*io_, temp_.path(), 64 * kLarge, 1, {}, 0);
    pool.want_spares();
  }
  EXPECT_EQ(unfinished(), 0U);
}

TEST_F(SlowSpares, OneInTheMakingIsFinishedAtOnceForTheOneWhoWaits) {
  SegmentPool pool(*io_, temp_.path(), kLarge, 1, {}, 0);
  pool.want_spares();
  auto taken = pool.take(100);
  ASSERT_TRUE(taken.ok()) << taken.status().to_string();
  auto file = io_->open(*taken);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(*io_->size(*file), kLarge);
  io_->close(*file);
  EXPECT_TRUE(pool.retry().ok());
  while (pool.ready() == 0) std::this_thread::yield();
}

TEST_F(SlowSpares, TheyAreReadyWithoutAnyGrowth) {
  SegmentPool pool(*io_, temp_.path(), kLarge, 1, {}, 0);
  pool.want_spares();
  while (pool.ready() == 0) std::this_thread::yield();
  EXPECT_EQ(unfinished(), 0U);
}

TEST_F(SlowSpares, ARetiredSegmentReplacesOneInTheMaking) {
  const std::string old = temp_.path() + "/old";
  ASSERT_TRUE(io_->create_zeroed(old, kLarge).ok());
  {
    SegmentPool pool(*io_, temp_.path(), kLarge, 1, {}, 0);
    pool.want_spares();
    pool.retire(old, kLarge);
    while (pool.ready() == 0) std::this_thread::yield();
    EXPECT_TRUE(pool.failure().ok());
  }
  EXPECT_EQ(unfinished(), 0U);
  auto listing = list_log_directory(*io_, temp_.path());
  ASSERT_TRUE(listing.ok());
  EXPECT_EQ(listing->spares.size(), 1U);
}

}  // namespace
}  // namespace ingot::log
