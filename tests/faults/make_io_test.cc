// Which backend is taken, on kernels and file systems that lack something or lie, and what is told
// when there is none.

#include <gtest/gtest.h>
#include <liburing.h>
#include <linux/magic.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "commit-log/io.h"
#include "core/aligned_buffer.h"
#include "tests/faults/faults.h"
#include "tests/faults/pattern.h"
#include "tests/support/temp_directory.h"

namespace ingot::faults {
namespace {

using log::Io;
using log::IoBackend;
using log::WriteCompletion;

constexpr std::uint64_t kBytes = 16384;

class MakeIo : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = temp_.path() + "/log";
    std::filesystem::create_directory(directory_);
    auto io = log::make_io(IoBackend::uring, directory_);
    if (io.status().code() == StatusCode::unsupported) GTEST_SKIP() << io.status().to_string();
    watch(temp_.path());
  }
  void TearDown() override {
    pretend({});
    watch("");
  }

  // "uring" or "pwritev2", which must work, or why there is none. No probe is left.
  std::string taken(IoBackend backend) {
    auto io = log::make_io(backend, directory_);
    disarm();
    EXPECT_TRUE(std::filesystem::is_empty(directory_));
    if (!io.ok()) return io.status().to_string();
    write(**io);
    return std::string((*io)->name());
  }
  std::string taken(IoBackend backend, const Fault& fault) {
    watch(temp_.path());
    arm(fault);
    return taken(backend);
  }

  void write(Io& io) const {
    const std::string path = directory_ + "/a.log";
    ASSERT_TRUE(io.create_zeroed(path, kBytes).ok());
    auto file = io.open(path);
    ASSERT_TRUE(file.ok());
    const AlignedBuffer bytes = pattern(8192, 'm');
    io.submit_write(*file, {bytes.data(), bytes.size()}, 0, 1);
    std::vector<WriteCompletion> completions;
    while (completions.empty()) io.wait(std::chrono::seconds(1), completions);
    EXPECT_TRUE(completions[0].status.ok()) << completions[0].status.to_string();
    EXPECT_TRUE(io.remove(path).ok());
  }

  sim::TempDirectory temp_;
  std::string directory_;
};

TEST_F(MakeIo, AKernelThatRefusesIoUringGetsTheThread) {
  for (const int error : {ENOSYS, EPERM, ENOMEM, EMFILE}) {
    const Fault fault{Call::uring_setup, Place::process, 1, error};
    EXPECT_EQ(taken(IoBackend::automatic, fault), "pwritev2");
    EXPECT_EQ(taken(IoBackend::uring, fault),
              std::string("unsupported: io_uring: the kernel refuses it: ") + std::strerror(error));
  }
  for (const int error : {EMFILE, ENFILE, ENOMEM}) {
    const Fault fault{Call::eventfd, Place::process, 1, error};
    EXPECT_EQ(taken(IoBackend::automatic, fault), "pwritev2");
    EXPECT_EQ(taken(IoBackend::uring, fault),
              std::string("io_error: creating an eventfd: ") + std::strerror(error));
  }
}

TEST_F(MakeIo, SetupFlagsThatTheKernelDoesNotKnowAreLeftOut) {
  Fault fault{Call::uring_setup, Place::process, 1, EINVAL};
  for (fault.times = 1; fault.times <= 2; ++fault.times) {
    EXPECT_EQ(taken(IoBackend::uring, fault), "uring") << fault.times;
    EXPECT_EQ(hits(), fault.times);
  }
  EXPECT_EQ(taken(IoBackend::uring, fault),
            std::string("unsupported: io_uring: the kernel refuses it: ") + std::strerror(EINVAL));
  EXPECT_EQ(taken(IoBackend::automatic, fault), "pwritev2");
}

TEST_F(MakeIo, OldKernelsGetTheThread) {
  const struct {
    const char* release;
    bool uring;
  } cases[] = {{"4.19.0-26-amd64", false}, {"5.4.0", false},  {"5.14.21", false},
               {"5.15.2", false},          {"5.15", false},   {"5.15.3", true},
               {"5.16.0", true},           {"6.0-rc1", true}, {"10.1.2", true},
               {"Ingot", false},           {"7", false}};
  for (const auto& with : cases) {
    pretend({with.release});
    EXPECT_EQ(taken(IoBackend::automatic), with.uring ? "uring" : "pwritev2") << with.release;
    EXPECT_EQ(taken(IoBackend::uring),
              with.uring ? "uring" : "unsupported: io_uring: the kernel is older than 5.15.3")
        << with.release;
  }
}

TEST_F(MakeIo, AKernelWithoutTimedWaitsGetsTheThread) {
  pretend({nullptr, 0, IORING_FEAT_EXT_ARG});
  EXPECT_EQ(taken(IoBackend::automatic), "pwritev2");
  EXPECT_EQ(taken(IoBackend::uring), "unsupported: io_uring: no timed waits in this kernel");
}

TEST_F(MakeIo, OnFuseTheThreadWrites) {
  pretend({nullptr, FUSE_SUPER_MAGIC});
  EXPECT_EQ(taken(IoBackend::automatic), "pwritev2");
  EXPECT_EQ(taken(IoBackend::uring),
            "unsupported: " + directory_ +
                " is on FUSE, where durable writes of io_uring are not durable");
}

// On FUSE it is the file system's own process that answers, or does not.
TEST_F(MakeIo, AFileSystemThatDoesNotSayWhatItIsMayBeFuse) {
  for (const int error : {EIO, ENOSYS, ENOMEM}) {
    const Fault fault{Call::statvfs, Place::log_folder, 1, error, true};
    EXPECT_EQ(taken(IoBackend::automatic, fault), "pwritev2");
    EXPECT_EQ(taken(IoBackend::uring, fault),
              "io_error: examining " + directory_ + ": " + std::strerror(error));
  }
}

TEST_F(MakeIo, AProbeThatIsNotWhatWasWrittenIsRefused) {
  const std::string refused = "unsupported: the probe write does not read back";
  EXPECT_EQ(taken(IoBackend::uring, {Call::uring_write, Place::probe, 1, kLost}), refused);
  EXPECT_EQ(taken(IoBackend::automatic, {Call::uring_write, Place::probe, 1, kLost}), "pwritev2");
  EXPECT_EQ(taken(IoBackend::pwritev2, {Call::pwritev2, Place::probe, 1, kLost}), refused);
  EXPECT_EQ(taken(IoBackend::uring, {Call::pread, Place::probe, 1, kNone}), refused);
}

TEST_F(MakeIo, OnlyWhatIsOfTheBackendIsAReasonToTakeTheOther) {
  const auto uring = [&](int error) {
    return taken(IoBackend::automatic, {Call::uring_write, Place::probe, 1, error});
  };
  for (const int error : {EOPNOTSUPP, EIO, ENOMEM, EPERM}) EXPECT_EQ(uring(error), "pwritev2");
  for (const int error : {ENOSPC, EDQUOT}) EXPECT_TRUE(uring(error).starts_with("disk_full: "));
  for (const int error : {EAGAIN, EINTR, kShort}) EXPECT_EQ(uring(error), "uring");
  // What fails for both is told.
  for (const Call call : {Call::open, Call::unlink, Call::pread, Call::fsync, Call::rename}) {
    const std::string why = taken(IoBackend::automatic, {call, Place::probe, 1, EIO, true});
    EXPECT_TRUE(why.starts_with("io_error: ")) << to_string(call) << ": " << why;
  }
}

}  // namespace
}  // namespace ingot::faults
