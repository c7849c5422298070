// The power goes while the tool loads a hub: the hub lies on a file system (dropfs.cc) that forgets
// everything that was not synced, or lets some random part of it survive. After each cut the ledger
// must hold. Skipped where no FUSE file system can be mounted.
//
// INGOT_POWER_RUNS sets the number of cuts and INGOT_CRASH_SEED the seed.

#include <sys/mount.h>
#include <sys/vfs.h>

#include <cstdio>
#include <fstream>

#include "tests/crash/killed_tool.h"

namespace ingot {
namespace {

constexpr std::uint64_t kCutsOfAHub = 3;
constexpr std::uint64_t kLoadMsMax = 500;
constexpr auto kTimeMax = std::chrono::seconds(40);  // of the default run
constexpr long kFuseMagic = 0x65735546;

class PowerCutTest : public KilledToolTest {
 protected:
  void SetUp() override {
    KilledToolTest::SetUp();
    tools::fs::create_directories(mount_path());
    if (::access("/dev/fuse", R_OK | W_OK) != 0) GTEST_SKIP() << "there is no /dev/fuse";
    fresh_disk();
    if (!mount()) GTEST_SKIP() << "no FUSE file system can be mounted: " << tools::read_file(log());
  }
  void TearDown() override {
    if (disk_ > 0) unmount();
    KilledToolTest::TearDown();
  }

  [[nodiscard]] std::string mount_path() const { return (folder() / "mount").string(); }
  [[nodiscard]] std::string store_path() const { return (folder() / "store").string(); }
  [[nodiscard]] std::string hub() const override { return mount_path() + "/hub"; }

  void fresh_disk() const {
    tools::fs::remove_all(store_path());
    tools::fs::create_directories(store_path());
    tools::fs::remove(ledger());
  }
  bool mount(bool lie = false) {
    Arguments words = {INGOT_DROPFS, store_path(), mount_path()};
    if (lie) words.emplace_back("--lie");
    disk_ = start(words);
    return disk_ > 0 && wait_until(disk_, [this] {
             struct statfs found {};
             return ::statfs(mount_path().c_str(), &found) == 0 && found.f_type == kFuseMagic;
           });
  }
  // What is not synced is gone.
  void unmount() {
    kill(std::exchange(disk_, -1));
    EXPECT_EQ(::umount2(mount_path().c_str(), MNT_DETACH), 0);
  }
  // Some of what is not synced may survive.
  void cut_power(Random& random) {
    if (random.one_in(2)) {
      // The disk does not answer this any more.
      std::ofstream(mount_path() + "/.power-cut") << random.below(1'000'000) << std::flush;
    }
    unmount();
  }

  pid_t disk_ = -1;
};

TEST_F(PowerCutTest, NothingAcknowledgedIsLost) {
  const std::uint64_t seed = number_from("INGOT_CRASH_SEED", entropy64());
  const std::uint64_t cuts = number_from("INGOT_POWER_RUNS", 9);
  const bool may_stop_early = std::getenv("INGOT_POWER_RUNS") == nullptr;
  std::printf("INGOT_CRASH_SEED=%llu\n", static_cast<unsigned long long>(seed));
  Random random(seed);
  const auto begin = SteadyClock::now();

  std::uint64_t done = 0;
  std::uint64_t promises = 0;
  const auto go_on = [&] {
    return done < cuts && !(may_stop_early && SteadyClock::now() - begin > kTimeMax);
  };
  while (go_on()) {
    if (done != 0) {
      unmount();
      fresh_disk();
      ASSERT_TRUE(mount());
    }
    for (std::uint64_t i = 0; i < kCutsOfAHub && (i == 0 || go_on()); ++i, ++done) {
      SCOPED_TRACE("cut " + std::to_string(done));
      const pid_t child = start(load(random, i != 0));
      ASSERT_GT(child, 0);
      if (i == 0) {
        ASSERT_TRUE(wait_until(child, [this] { return ledger_has_lines(); }))
            << tools::read_file(log());
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(random.below(kLoadMsMax)));
      ASSERT_FALSE(has_ended(child)) << tools::read_file(log());
      // Either goes first: the process, or the disk under it, which then gives errors.
      const bool process_first = random.one_in(2);
      if (process_first) kill(child);
      cut_power(random);
      if (!process_first) kill(child);
      ASSERT_TRUE(mount()) << tools::read_file(log());
      if (random.one_in(2)) expect_clean();
      if (random.one_in(2)) bench({"check"});
      ASSERT_FALSE(HasFailure());
    }
    const Json checked = finish_and_check();
    ASSERT_FALSE(HasFailure());
    promises += checked["ledger_started"].get<std::uint64_t>();
  }
  std::printf("%llu power cuts, %llu promises kept\n", static_cast<unsigned long long>(done),
              static_cast<unsigned long long>(promises));
  EXPECT_GT(promises, 0U);
}

// The kernel does not pass on to FUSE that a write of io_uring has to be durable.
TEST_F(PowerCutTest, IoUringIsRefusedWhereItsWritesAreNotDurable) {
  const tools::ToolResult result =
      run({"bench", "hello", "--dir", hub(), "--io", "uring", "--seconds", "0.1"});
  EXPECT_NE(result.exit_code, 0);
  EXPECT_NE(result.err.find("unsupported"), std::string::npos) << result.err;
}

// The first test can fail: on a disk whose syncs do nothing it does.
TEST_F(PowerCutTest, ADiskThatLiesIsFoundOut) {
  bench({"mixed", "--partitions", "3", "--accounts", "50", "--warmup", "0", "--seconds", "0.2",
         "--concurrency", "20"});
  bench({"check"});
  ASSERT_FALSE(HasFailure());
  unmount();
  ASSERT_TRUE(mount(true));
  const auto before = tools::fs::file_size(ledger());
  Random random(1);
  const pid_t child = start(load(random, true));
  ASSERT_GT(child, 0);
  ASSERT_TRUE(wait_until(child, [&] {
    return tools::fs::file_size(ledger()) > before + (64U << 10);
  })) << tools::read_file(log());
  kill(child);
  unmount();
  ASSERT_TRUE(mount());
  const tools::ToolResult result =
      run(Arguments{"bench", "check", "--dir", hub(), "--ledger", ledger()} + small_sizes());
  EXPECT_NE(result.exit_code, 0) << result.out << result.err;
}

}  // namespace
}  // namespace ingot
