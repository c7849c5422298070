// A real disk runs full under mixed load: an ext4 file system of its own on a loop device. The load
// rides it out, goes on unaided when space is given back, and keeps what it acknowledged, also when
// it is killed while the disk is full. Skipped where nothing can be mounted.

#include <sys/mount.h>
#include <sys/statvfs.h>

#include <cstdio>
#include <fstream>

#include "tests/crash/killed_tool.h"

namespace ingot {
namespace {

constexpr std::uintmax_t kDiskBytes = 96ULL << 20;
constexpr std::uint64_t kLeftBytes = 3ULL << 20;  // to the hub, when the ballast is in
constexpr std::uint64_t kFullBytes = 1ULL << 20;  // less is full: a segment has this size
constexpr auto kStill = std::chrono::seconds(1);  // without an acknowledgement

class FullDiskTest : public KilledToolTest {
 protected:
  void SetUp() override {
    KilledToolTest::SetUp();
    const std::string image = (folder() / "image").string();
    tools::fs::create_directories(mount_path());
    std::ofstream(image).put('\0');
    tools::fs::resize_file(image, kDiskBytes);
    const std::string format = "mkfs.ext4 -q -F -m 0 " + image + " >/dev/null 2>&1";
    const std::string attach = "mount -o loop " + image + " " + mount_path() + " >/dev/null 2>&1";
    if (std::system(format.c_str()) != 0) GTEST_SKIP() << "mkfs.ext4 fails";
    if (std::system(attach.c_str()) != 0) GTEST_SKIP() << "no loop device can be mounted here";
    mounted_ = true;
  }
  void TearDown() override {
    if (child_ > 0) kill(child_);
    if (mounted_) {
      EXPECT_EQ(::umount2(mount_path().c_str(), MNT_DETACH), 0);
    }
    KilledToolTest::TearDown();
  }

  [[nodiscard]] std::string mount_path() const { return (folder() / "mount").string(); }
  [[nodiscard]] std::string ballast() const { return mount_path() + "/ballast"; }
  [[nodiscard]] std::string hub() const override { return mount_path() + "/hub"; }

  [[nodiscard]] std::uint64_t free_bytes() const {
    struct statvfs found {};
    EXPECT_EQ(::statvfs(mount_path().c_str(), &found), 0);
    return static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize;
  }
  [[nodiscard]] std::uintmax_t ledger_bytes() const {
    std::error_code error;
    const std::uintmax_t size = tools::fs::file_size(ledger(), error);
    return error ? 0 : size;
  }

  void begin_load(Random& random, bool resume) {
    child_ = start(load(random, resume) + Arguments{"--wait-for-space"});
    ASSERT_GT(child_, 0);
    const std::uintmax_t before = ledger_bytes();
    ASSERT_TRUE(wait_until(child_, [&] { return ledger_bytes() > before; }))
        << tools::read_file(log());
  }
  // Leaves little space, and waits until that is used up and nothing is acknowledged any more.
  void run_full() {
    std::ofstream file(ballast(), std::ios::binary | std::ios::app);
    const std::string block(64U << 10, 'b');
    while (file && free_bytes() > kLeftBytes) file << block << std::flush;
    file.close();
    std::uintmax_t last = ledger_bytes();
    auto since = SteadyClock::now();
    ASSERT_TRUE(wait_until(child_, [&] {
      const std::uintmax_t size = ledger_bytes();
      if (size != last || free_bytes() > kFullBytes) since = SteadyClock::now();
      last = size;
      return SteadyClock::now() - since > kStill;
    })) << tools::read_file(log());
  }
  void free_space() const { tools::fs::remove(ballast()); }
  void end_load() { EXPECT_TRUE(kill(std::exchange(child_, -1))) << tools::read_file(log()); }

 private:
  bool mounted_ = false;
  pid_t child_ = -1;

 protected:
  void expect_going_on() {
    const std::uintmax_t before = ledger_bytes();
    EXPECT_TRUE(wait_until(child_, [&] { return ledger_bytes() > before + 1000; }))
        << tools::read_file(log());
  }
};

TEST_F(FullDiskTest, TheLoadGoesOnUnaidedAndNothingAcknowledgedIsLost) {
  const std::uint64_t seed = number_from("INGOT_CRASH_SEED", entropy64());
  std::printf("INGOT_CRASH_SEED=%llu\n", static_cast<unsigned long long>(seed));
  Random random(seed);
  ASSERT_NO_FATAL_FAILURE(begin_load(random, false));
  ASSERT_NO_FATAL_FAILURE(run_full());
  // Killed while the disk is full, and space is there when it comes back.
  end_load();
  free_space();
  bench({"check"});
  ASSERT_FALSE(HasFailure());
  ASSERT_NO_FATAL_FAILURE(begin_load(random, true));
  ASSERT_NO_FATAL_FAILURE(run_full());
  free_space();
  expect_going_on();
  end_load();
  const Json checked = finish_and_check();
  ASSERT_FALSE(HasFailure());
  std::printf("%llu promises kept\n",
              static_cast<unsigned long long>(checked["ledger_started"].get<std::uint64_t>()));
}

}  // namespace
}  // namespace ingot
