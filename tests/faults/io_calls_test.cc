// Each call of the operating system behind one operation of an Io fails, one after the other, with
// each of its errors, on both backends: the operation says so with the file and the reason, leaves
// nothing behind that it would stumble over, and does its work when it is called again.
//
// And what needs more than one failing call: which backend is taken, what is taken for a device or
// a file system that lacks something, and who is told when even the way out is closed.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "commit-log/commit_log.h"
#include "commit-log/io.h"
#include "commit-log/posix_files.h"
#include "core/aligned_buffer.h"
#include "tests/faults/fault_cases.h"
#include "tests/faults/faults.h"
#include "tests/faults/pattern.h"
#include "tests/faults/process.h"
#include "tests/support/temp_directory.h"

namespace ingot::faults {
namespace {

using log::FileHandle;
using log::Io;
using log::IoBackend;
using log::WriteCompletion;

constexpr std::uint64_t kBytes = 16384;

class IoCalls : public ::testing::TestWithParam<IoBackend> {
 protected:
  void SetUp() override {
    watch(temp_.path());
    directory_ = temp_.path() + "/log";
    std::filesystem::create_directory(directory_);
    auto io = log::make_io(GetParam(), directory_);
    if (io.status().code() == StatusCode::unsupported) GTEST_SKIP() << io.status().to_string();
    ASSERT_TRUE(io.ok()) << io.status().to_string();
    io_ = std::move(*io);
  }
  void TearDown() override { watch(""); }

  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + "/" + name; }

  void clean() {
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      std::filesystem::remove_all(entry.path());
    }
  }

  FileHandle create(const std::string& name, std::uint64_t size = kBytes) {
    EXPECT_TRUE(io_->create_zeroed(path(name), size).ok());
    auto file = io_->open(path(name));
    EXPECT_TRUE(file.ok());
    return file.ok() ? *file : FileHandle();
  }

  [[nodiscard]] Status first_completion() {
    std::vector<WriteCompletion> completions;
    while (completions.empty()) io_->wait(std::chrono::seconds(1), completions);
    return completions[0].status;
  }

  // A wait that ends because of a completion or a wake, and not by its time.
  void wait_to_be_woken(std::vector<WriteCompletion>& completions) {
    constexpr auto kMost = std::chrono::seconds(300);
    const auto begun = std::chrono::steady_clock::now();
    io_->wait(kMost, completions);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, kMost);
  }

  // Each of so many writes, numbered from 0, has ended well, and was told once.
  static void expect_each_once(const std::vector<WriteCompletion>& completions,
                               std::uint64_t writes) {
    std::vector<int> told(writes, 0);
    for (const WriteCompletion& completion : completions) {
      EXPECT_TRUE(completion.status.ok()) << completion.status.to_string();
      ++told.at(completion.token);
    }
    EXPECT_EQ(told, std::vector<int>(writes, 1));
  }

  // One operation on a folder that holds "a.log".
  struct Operation {
    std::string name;
    std::function<Status(IoCalls&)> run;
    std::function<void(IoCalls&)> expect;  // after it was ok
  };
  static std::vector<Operation> operations();

  // A new "a.log", with something in it for an operation that reads.
  void begin(const Operation& operation) {
    clean();
    file_ = create("a.log");
    if (operation.name != "read") return;
    EXPECT_TRUE(io_->write_now(file_, {bytes_.data(), bytes_.size()}, 4096).ok());
  }
  void prove(const Operation& operation, const Fault& fault);

  sim::TempDirectory temp_;
  std::string directory_;
  std::unique_ptr<Io> io_;
  FileHandle file_;  // "a.log"
  AlignedBuffer bytes_ = pattern(8192, 'a');
};

std::vector<IoCalls::Operation> IoCalls::operations() {
  const auto holds = [](IoCalls& t, std::uint64_t size) {
    EXPECT_EQ(std::filesystem::file_size(t.path("b.log")), size);
  };
  const auto nothing = [](IoCalls&) {};
  const auto written = [](IoCalls& t) {
    AlignedBuffer back = pattern(8192, 0);
    auto got = t.io_->read(t.file_, {back.data(), back.size()}, 4096);
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(std::memcmp(back.data(), t.bytes_.data(), 8192), 0);
  };
  return {
      {"create", [](IoCalls& t) { return t.io_->create_zeroed(t.path("b.log"), kBytes); },
       [=](IoCalls& t) { holds(t, kBytes); }},
      {"create slowly",
       [](IoCalls& t) {
         return t.io_->create_zeroed_slowly(t.path("b.log"), 600 << 10,
                                            [](std::uint64_t) { return true; });
       },
       [=](IoCalls& t) { holds(t, 600 << 10); }},
      {"open",
       [](IoCalls& t) {
         auto file = t.io_->open(t.path("a.log"));
         if (file.ok()) t.io_->close(*file);
         return file.status();
       },
       nothing},
      {"size",
       [](IoCalls& t) {
         auto size = t.io_->size(t.file_);
         EXPECT_TRUE(!size.ok() || *size == kBytes);
         return size.status();
       },
       nothing},
      {"read",
       [](IoCalls& t) {
         AlignedBuffer back = pattern(kBytes, 1);
         auto got = t.io_->read(t.file_, {back.data(), back.size()}, 0);
         if (!got.ok()) return got.status();
         if (*got != kBytes) return Status(StatusCode::io_error, "short");
         EXPECT_EQ(std::memcmp(back.data() + 4096, t.bytes_.data(), 8192), 0);
         return Status();
       },
       nothing},
      {"write now",
       [](IoCalls& t) {
         return t.io_->write_now(t.file_, {t.bytes_.data(), t.bytes_.size()}, 4096);
       },
       written},
      {"write",
       [](IoCalls& t) {
         t.io_->submit_write(t.file_, {t.bytes_.data(), t.bytes_.size()}, 4096, 7);
         return t.first_completion();
       },
       written},
      {"sync", [](IoCalls& t) { return t.io_->sync(t.file_); }, nothing},
      {"rename", [](IoCalls& t) { return t.io_->rename(t.path("a.log"), t.path("b.log")); },
       [=](IoCalls& t) { holds(t, kBytes); }},
      {"remove", [](IoCalls& t) { return t.io_->remove(t.path("a.log")); },
       [](IoCalls& t) { EXPECT_FALSE(std::filesystem::exists(t.path("a.log"))); }},
      {"list",
       [](IoCalls& t) {
         auto names = t.io_->list(t.directory_);
         EXPECT_TRUE(!names.ok() || *names == std::vector<std::string>{"a.log"});
         return names.status();
       },
       nothing},
      {"make directory", [](IoCalls& t) { return t.io_->make_directory(t.path("sub")); },
       [](IoCalls& t) { EXPECT_TRUE(std::filesystem::is_directory(t.path("sub"))); }},
      {"free bytes",
       [](IoCalls& t) {
         auto free = t.io_->free_bytes(t.directory_);
         EXPECT_TRUE(!free.ok() || *free > 0);
         return free.status();
       },
       nothing},
  };
}

// What the operation goes on without, or otherwise.
bool goes_on(const std::string& operation, const Fault& fault) {
  if (fault.error == kNone) return false;
  if (transient(fault.call, fault.error)) return true;
  switch (fault.call) {
    case Call::access:  // is there one already?
      return true;
    case Call::fallocate:  // where it is not known, or broken, writing the zeros tells
      return fault.error != ENOSPC && fault.error != EDQUOT && fault.error != EFBIG;
    case Call::open:
      if (fault.error == EINVAL) return true;  // without O_DIRECT
      if (fault.place != Place::segment || fault.for_good) return false;
      return operation == "open" &&  // to read only
             (fault.error == EACCES || fault.error == EROFS || fault.error == EPERM);
    case Call::pwritev2:  // fdatasync afterwards
      return fault.error == EOPNOTSUPP || (fault.error == ENOSYS && !fault.for_good);
    default:
      return false;
  }
}

StatusCode code_of(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return StatusCode::disk_full;
    case ENOENT:
      return StatusCode::not_found;
    case EEXIST:
      return StatusCode::already_exists;
    default:
      return StatusCode::io_error;
  }
}

void IoCalls::prove(const Operation& operation, const Fault& fault) {
  SCOPED_TRACE(operation.name + ": " + to_string(fault));
  begin(operation);
  const std::size_t descriptors = open_descriptors();
  watch(temp_.path());
  arm(fault);
  const Status status = operation.run(*this);
  // A ring is not asked again for a write that has ended by then.
  const bool certain = fault.call != Call::uring_submit || fault.nth == 1;
  EXPECT_TRUE(!certain || hits() > 0);
  disarm();
  EXPECT_EQ(open_descriptors(), descriptors);
  if (goes_on(operation.name, fault)) {
    EXPECT_TRUE(status.ok()) << status.to_string();
  } else if (fault.error == kNone) {
    EXPECT_FALSE(status.ok());
  } else {
    EXPECT_EQ(status.code(), code_of(fault.error)) << status.to_string();
    EXPECT_NE(status.message().find(std::strerror(fault.error)), std::string::npos)
        << status.to_string();
    EXPECT_NE(status.message().find(directory_), std::string::npos) << status.to_string();
  }
  if (!status.ok()) {
    EXPECT_FALSE(std::filesystem::exists(path("b.log.tmp")));
    if (operation.name.starts_with("create")) {
      EXPECT_FALSE(std::filesystem::exists(path("b.log")));
    }
    // What was renamed or removed, and is not durable, is done again by whoever opens.
    const Status again = operation.run(*this);
    const bool gone = operation.name == "rename" || operation.name == "remove";
    EXPECT_TRUE(again.ok() || (gone && again.code() == StatusCode::not_found)) << again.to_string();
  }
  operation.expect(*this);
  io_->close(file_);
}

TEST_P(IoCalls, EachThatFailsIsNamedAndCanBeRepeated) {
  int proven = 0;
  for (const Operation& operation : operations()) {
    begin(operation);
    watch(temp_.path());
    EXPECT_TRUE(operation.run(*this).ok()) << operation.name;
    const Counts counted = counts();
    io_->close(file_);
    for (std::size_t c = 0; c < kCalls; ++c) {
      for (std::size_t p = 0; p < kPlaces; ++p) {
        const auto call = static_cast<Call>(c);
        const auto place = static_cast<Place>(p);
        std::vector<int> errors = errors_of(call, place);
        if (call == Call::open) errors.insert(errors.end(), {EINTR, EINVAL, EPERM, ENOENT});
        if (call == Call::mkdir) errors.push_back(ENOENT);
        if (call == Call::pwritev2) errors.push_back(ENOSYS);
        if (call == Call::pread || call == Call::pwrite || call == Call::pwritev2 ||
            call == Call::uring_write) {
          errors.push_back(kNone);
        }
        if (call == Call::fallocate) errors.push_back(EFBIG);
        for (const Fault& fault : faults_of(call, place, counted[c][p], errors)) {
          prove(operation, fault);
          ++proven;
          if (HasFatalFailure()) return;
        }
      }
    }
  }
  std::printf("%d failures\n", proven);
  EXPECT_GT(proven, 150);
}

TEST_P(IoCalls, AFileThatIsTooLargeIsRefusedBeforeItIsWritten) {
  arm({Call::fallocate, Place::segment, 1, EFBIG});
  EXPECT_EQ(io_->create_zeroed(path("b.log"), kBytes).code(), StatusCode::io_error);
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
  EXPECT_EQ(
      counts()[static_cast<std::size_t>(Call::pwrite)][static_cast<std::size_t>(Place::segment)],
      0U);
}

// What can't be taken away is left, and the next opening removes it by its name.
TEST_P(IoCalls, AFailedCreationThatCannotBeRemovedSaysWhyItFailed) {
  arm({Call::rename, Place::segment, 1, EIO});
  arm_too({Call::unlink, Place::segment, 1, EACCES, true});
  const Status status = io_->create_zeroed(path("b.log"), kBytes);
  EXPECT_EQ(status.message(), "renaming " + path("b.log.tmp") + ": " + std::strerror(EIO));
}

TEST_P(IoCalls, ACreationThatIsGivenUpLeavesNothing) {
  int asked = 0;
  const Status status = io_->create_zeroed_slowly(path("b.log"), 1U << 20,
                                                  [&](std::uint64_t) { return ++asked < 3; });
  EXPECT_EQ(status.code(), StatusCode::cancelled);
  EXPECT_EQ(asked, 3);
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

TEST_P(IoCalls, WhatCanOnlyBeReadSaysSoWhenItIsWritten) {
  for (const int error : {EACCES, EROFS, EPERM}) {
    SCOPED_TRACE(error);
    clean();
    io_->close(create("a.log"));
    watch(temp_.path());
    arm({Call::open, Place::segment, 1, error});
    auto file = io_->open(path("a.log"));
    disarm();
    ASSERT_TRUE(file.ok()) << file.status().to_string();
    AlignedBuffer back = pattern(4096, 1);
    EXPECT_TRUE(io_->read(*file, {back.data(), back.size()}, 0).ok());
    const std::string refused = "writing " + path("a.log") + ": " + std::strerror(error);
    EXPECT_EQ(io_->write_now(*file, {bytes_.data(), bytes_.size()}, 0).message(), refused);
    io_->submit_write(*file, {bytes_.data(), bytes_.size()}, 0, 1);
    EXPECT_EQ(first_completion().message(), refused);
    io_->close(*file);
  }
}

TEST_P(IoCalls, WithoutRwfDsyncTheSyncAfterwardsIsWhatCounts) {
  const FileHandle file = create("a.log");
  watch(temp_.path());
  arm({Call::pwritev2, Place::segment, 1, EOPNOTSUPP, true});
  EXPECT_TRUE(io_->write_now(file, {bytes_.data(), bytes_.size()}, 0).ok());
  EXPECT_EQ(hits(), 2U);  // the second one has no flag and is let through
  EXPECT_EQ(
      counts()[static_cast<std::size_t>(Call::fdatasync)][static_cast<std::size_t>(Place::segment)],
      1U);
  arm({Call::pwritev2, Place::segment, 1, EOPNOTSUPP, true});
  arm_too({Call::fdatasync, Place::segment, 1, EIO, true});
  EXPECT_EQ(io_->write_now(file, {bytes_.data(), bytes_.size()}, 0).message(),
            "syncing " + path("a.log") + ": " + std::strerror(EIO));
}

// More at once than the ring holds, and each of them short: none is forgotten, none is told twice.
TEST_P(IoCalls, ManyShortWritesAreAllFinished) {
  const std::uint64_t writes = GetParam() == IoBackend::uring ? 700 : 40;
  const FileHandle file = create("a.log", writes * 8192);
  for (const int error : {kShort, EAGAIN, EINTR}) {
    SCOPED_TRACE(error);
    watch(temp_.path());
    const Call call = GetParam() == IoBackend::uring ? Call::uring_write : Call::pwritev2;
    Fault fault{call, Place::segment, 1, error};
    fault.times = writes;
    arm(fault);
    std::vector<AlignedBuffer> sent;
    for (std::uint64_t i = 0; i < writes; ++i) {
      sent.push_back(pattern(8192, static_cast<char>(i * 7 + static_cast<unsigned>(-error))));
      io_->submit_write(file, {sent[i].data(), 8192}, i * 8192, i);
    }
    std::vector<WriteCompletion> completions;
    while (completions.size() < writes) io_->wait(std::chrono::seconds(1), completions);
    expect_each_once(completions, writes);
    EXPECT_GE(hits(), writes);
    disarm();
    for (std::uint64_t i = 0; i < writes; ++i) {
      AlignedBuffer back = pattern(8192, 0);
      ASSERT_TRUE(io_->read(file, {back.data(), back.size()}, i * 8192).ok());
      ASSERT_EQ(std::memcmp(back.data(), sent[i].data(), 8192), 0) << i;
    }
  }
}

// A device that never gets on with a block: there is no use in trying for ever.
TEST_P(IoCalls, AWriteThatNeverGetsOnFails) {
  const FileHandle file = create("a.log");
  const std::string why = path("a.log") + ": " + std::strerror(EIO);
  const Call call = GetParam() == IoBackend::uring ? Call::uring_write : Call::pwritev2;
  watch(temp_.path());
  arm({call, Place::segment, 1, kShort, true});
  io_->submit_write(file, {bytes_.data(), bytes_.size()}, 0, 1);
  EXPECT_EQ(first_completion().message(), "writing " + why);
  arm({Call::pwritev2, Place::segment, 1, kShort, true});
  EXPECT_EQ(io_->write_now(file, {bytes_.data(), bytes_.size()}, 0).message(), "writing " + why);
  arm({Call::pwrite, Place::segment, 1, kShort, true});
  EXPECT_EQ(io_->create_zeroed(path("b.log"), kBytes).message(),
            "zeroing " + path("b.log.tmp") + ": " + std::strerror(EIO));
  disarm();
  EXPECT_FALSE(std::filesystem::exists(path("b.log.tmp")));
  EXPECT_TRUE(io_->write_now(file, {bytes_.data(), bytes_.size()}, 0).ok());
}

// The kernel takes no entries for a while: they stay where they are.
TEST_P(IoCalls, WhatTheRingDoesNotTakeIsOfferedAgain) {
  if (GetParam() != IoBackend::uring) GTEST_SKIP() << "it has none";
  const FileHandle file = create("a.log", 512 * 4096);
  for (const int error : {EAGAIN, EBUSY, EINTR, ENOMEM}) {
    watch(temp_.path());
    Fault fault{Call::uring_submit, Place::process, 1, error};
    fault.times = 4;
    arm(fault);
    for (std::uint64_t i = 0; i < 300; ++i) {
      io_->submit_write(file, {bytes_.data(), 4096}, i * 4096, i);
    }
    io_->drain();
    std::vector<WriteCompletion> completions;
    io_->poll(completions);
    expect_each_once(completions, 300);
    EXPECT_EQ(hits(), 4U);
  }
}

// Nor the entry that a wait would be woken by, when all the ring's places are taken.
TEST_P(IoCalls, AWaitGoesOnOfferingWhatTheRingDoesNotTake) {
  if (GetParam() != IoBackend::uring) GTEST_SKIP() << "it has none";
  const FileHandle file = create("a.log", 256 * 4096);
  watch(temp_.path());
  Fault fault{Call::uring_submit, Place::process, 1, EAGAIN};
  fault.times = 3;
  arm(fault);
  for (std::uint64_t i = 0; i < 256; ++i) {
    io_->submit_write(file, {bytes_.data(), 4096}, i * 4096, i);
  }
  std::vector<WriteCompletion> completions;
  while (completions.size() < 256) wait_to_be_woken(completions);
  expect_each_once(completions, 256);
  EXPECT_EQ(hits(), 3U);
}

// An eventfd that takes no more is one that wakes already: whoever finds it so leaves it.
TEST_P(IoCalls, AWakeThatHasNoRoomIsLeft) {
  if (GetParam() != IoBackend::uring) GTEST_SKIP() << "it has none";
  std::vector<WriteCompletion> none;
  io_->wake();
  for (int i = 0; i < 200 && hits() == 0; ++i) {
    // A wake that finds nobody waiting ends the next wait at once: this one.
    io_->wait(std::chrono::microseconds(1), none);
    watch(temp_.path());
    arm({Call::write, Place::process, 1, EAGAIN});
    std::thread waker([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      io_->wake();
    });
    io_->wait(std::chrono::milliseconds(20), none);
    waker.join();
  }
  EXPECT_EQ(hits(), 1U);
  // The next one wakes.
  std::thread waker([&] { io_->wake(); });
  wait_to_be_woken(none);
  waker.join();
  EXPECT_TRUE(none.empty());
}

// Whoever opens or reads a log finds less of a file than its size said.
TEST_P(IoCalls, ALogWhoseFileShrinksWhileItIsReadDoesNotOpen) {
  log::CommitLogOptions options;
  options.directory = directory_;
  options.segment_bytes = 256U << 10;
  const auto open = [&] {
    return log::CommitLog::open(*io_, options, Position(),
                                [](Position, std::string_view) { return Status(); });
  };
  ASSERT_TRUE(open().ok());
  for (const int error : {kNone, kShort}) {
    watch(temp_.path());
    Fault fault{Call::pread, Place::segment, 1, error};
    fault.times = 7;  // halves, down to a part of a block
    arm(fault);
    const Status status = open().status();
    disarm();
    EXPECT_EQ(status.code(), StatusCode::io_error) << status.to_string();
    EXPECT_NE(status.message().find(": the file ends while it is read"), std::string::npos)
        << status.to_string();
  }
  EXPECT_TRUE(open().ok());
}

TEST_P(IoCalls, AWakeThatIsInterruptedIsMadeAgain) {
  watch(temp_.path());
  arm({Call::write, Place::process, 1, EINTR});
  std::vector<WriteCompletion> none;
  bool woken = false;
  for (int i = 0; i < 200 && !woken; ++i) {
    std::thread waker([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      io_->wake();
    });
    wait_to_be_woken(none);
    waker.join();
    woken = GetParam() != IoBackend::uring || hits() != 0;
  }
  EXPECT_TRUE(woken);
}

TEST_P(IoCalls, AWriteWithoutAThreadFails) {
  if (GetParam() == IoBackend::uring) GTEST_SKIP() << "it has none";
  auto io = io_->background();
  const std::string name = path("a.log");
  ASSERT_TRUE(io->create_zeroed(name, kBytes).ok());
  auto file = io->open(name);
  ASSERT_TRUE(file.ok());
  watch(temp_.path());
  arm({Call::thread, Place::process, 1, EAGAIN});
  io->submit_write(*file, {bytes_.data(), bytes_.size()}, 0, 5);
  io->drain();
  std::vector<WriteCompletion> completions;
  io->poll(completions);
  ASSERT_EQ(completions.size(), 1U);
  EXPECT_EQ(completions[0].status.message(), "writing " + name + ": " + std::strerror(EAGAIN));
  io->submit_write(*file, {bytes_.data(), bytes_.size()}, 0, 6);
  io->drain();
  io->poll(completions);
  ASSERT_EQ(completions.size(), 2U);
  EXPECT_TRUE(completions[1].status.ok());
}

// A name that vanishes while the folder is read (a spare that the log's own thread renames).
TEST_P(IoCalls, AListingGoesOnWithoutWhatHasGone) {
  io_->close(create("a.log"));
  watch(temp_.path());
  arm({Call::stat, Place::log_folder, 1, ENOENT, true});
  auto names = io_->list(directory_);
  ASSERT_TRUE(names.ok()) << names.status().to_string();
  EXPECT_TRUE(names->empty());
}

TEST_P(IoCalls, ADirectoryIsNotAFile) {
  io_->close(FileHandle());
  std::ofstream(path("file")) << "x";
  EXPECT_EQ(io_->make_directory(path("file")).message(),
            "creating " + path("file") + ": " + std::strerror(ENOTDIR));
  EXPECT_TRUE(io_->make_directory("/").ok());
  EXPECT_TRUE(io_->make_directory(".").ok());
}

TEST_P(IoCalls, AFileThatEndsWithinABlockIsReadToItsEnd) {
  std::ofstream(path("a.log")) << std::string(5000, 'x');
  auto file = io_->open(path("a.log"));
  ASSERT_TRUE(file.ok());
  AlignedBuffer back = pattern(8192, 1);
  auto got = io_->read(*file, {back.data(), back.size()}, 0);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(*got, 5000U);
}

INSTANTIATE_TEST_SUITE_P(Backends, IoCalls,
                         ::testing::Values(IoBackend::uring, IoBackend::pwritev2),
                         [](const auto& test) {
                           return test.param == IoBackend::uring ? "Uring" : "Pwritev2";
                         });

}  // namespace
}  // namespace ingot::faults
