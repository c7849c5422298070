// What every Io promises, on all of them.

#include "commit-log/io.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <set>
#include <thread>

#include "core/aligned_buffer.h"
#include "tests/support/sim_io.h"
#include "tests/support/temp_directory.h"

namespace ingot::log {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

enum class Backend { sim, uring, pwritev2 };

AlignedBuffer pattern(std::size_t size, char first) {
  AlignedBuffer bytes;
  bytes.resize(size);
  for (std::size_t i = 0; i < size; ++i) bytes.data()[i] = static_cast<char>(first + i % 251);
  return bytes;
}

class IoTest : public ::testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    directory_ = GetParam() == Backend::sim ? "/sim" : temp_.path();
    auto io = make(directory_);
    if (io.status().code() == StatusCode::unsupported) GTEST_SKIP() << io.status().to_string();
    ASSERT_TRUE(io.ok()) << io.status().to_string();
    io_ = std::move(*io);
  }

  Result<std::unique_ptr<Io>> make(const std::string& directory) {
    if (GetParam() == Backend::sim) return std::unique_ptr<Io>(new sim::SimIo(disk_));
    return make_io(GetParam() == Backend::uring ? IoBackend::uring : IoBackend::pwritev2,
                   directory);
  }

  FileHandle create(const std::string& name, std::uint64_t size) {
    const std::string path = directory_ + "/" + name;
    Status status = io_->create_zeroed(path, size);
    EXPECT_TRUE(status.ok()) << status.to_string();
    auto file = io_->open(path);
    EXPECT_TRUE(file.ok()) << file.status().to_string();
    return file.ok() ? *file : FileHandle();
  }

  std::vector<WriteCompletion> wait_for(std::size_t count) {
    std::vector<WriteCompletion> all;
    while (all.size() < count) io_->wait(seconds(10), all);
    return all;
  }

  sim::TempDirectory temp_;
  sim::SimDisk disk_{7};
  std::string directory_;
  std::unique_ptr<Io> io_;
};

TEST_P(IoTest, WritesReadBack) {
  const FileHandle file = create("a.log", 1U << 20);
  const AlignedBuffer bytes = pattern(65536, 3);
  io_->submit_write(file, {bytes.data(), bytes.size()}, 8192, 41);
  const auto completions = wait_for(1);
  ASSERT_EQ(completions.size(), 1U);
  EXPECT_EQ(completions[0].token, 41U);
  EXPECT_TRUE(completions[0].status.ok()) << completions[0].status.to_string();
  AlignedBuffer back;
  back.resize(1U << 20);
  auto size = io_->read(file, {back.data(), back.size()}, 0);
  ASSERT_TRUE(size.ok()) << size.status().to_string();
  EXPECT_EQ(*size, 1U << 20);
  EXPECT_EQ(std::memcmp(back.data() + 8192, bytes.data(), bytes.size()), 0);
  EXPECT_EQ(std::string_view(back.data(), 8192), std::string(8192, '\0'));
  EXPECT_EQ(std::string_view(back.data() + 73728, 4096), std::string(4096, '\0'));
  io_->close(file);
}

TEST_P(IoTest, ManyWritesCompleteOnceEach) {
  constexpr std::uint64_t kWrites = 700;  // more than a ring's entries
  const FileHandle file = create("a.log", kWrites * 4096);
  const AlignedBuffer bytes = pattern(4096, 9);
  for (std::uint64_t i = 0; i < kWrites; ++i) {
    io_->submit_write(file, {bytes.data(), bytes.size()}, i * 4096, i);
  }
  std::set<std::uint64_t> tokens;
  for (const WriteCompletion& completion : wait_for(kWrites)) {
    EXPECT_TRUE(completion.status.ok()) << completion.status.to_string();
    EXPECT_TRUE(tokens.insert(completion.token).second);
  }
  EXPECT_EQ(tokens.size(), kWrites);
  std::vector<WriteCompletion> none;
  io_->poll(none);
  EXPECT_TRUE(none.empty());
}

TEST_P(IoTest, PollAloneCompletesAWrite) {
  const FileHandle file = create("a.log", 8192);
  const AlignedBuffer bytes = pattern(4096, 1);
  io_->submit_write(file, {bytes.data(), bytes.size()}, 0, 5);
  std::vector<WriteCompletion> completions;
  while (completions.empty()) {
    io_->poll(completions);
    std::this_thread::yield();
  }
  EXPECT_EQ(completions.size(), 1U);
  EXPECT_TRUE(completions[0].status.ok());
}

TEST_P(IoTest, DrainEndsEveryWriteAndKeepsItsCompletion) {
  const FileHandle file = create("a.log", 1U << 20);
  const AlignedBuffer bytes = pattern(65536, 1);
  for (std::uint64_t i = 0; i < 16; ++i) {
    io_->submit_write(file, {bytes.data(), bytes.size()}, i * 65536, i);
  }
  io_->drain();
  std::vector<WriteCompletion> completions;
  io_->poll(completions);
  EXPECT_EQ(completions.size(), 16U);
}

TEST_P(IoTest, WaitEndsAtItsTimeout) {
  std::vector<WriteCompletion> none;
  const auto begin = std::chrono::steady_clock::now();
  io_->wait(milliseconds(20), none);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(15));
  io_->wait(Duration(0), none);
  EXPECT_TRUE(none.empty());
}

TEST_P(IoTest, AWakeBeforeTheWaitEndsIt) {
  std::vector<WriteCompletion> none;
  const auto begin = std::chrono::steady_clock::now();
  io_->wake();
  io_->wait(seconds(300), none);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(200));
}

// A lost wake would leave both sides waiting for 300 s; the test's own limit is far below.
TEST_P(IoTest, NoWakeIsLost) {
  constexpr int kRounds = 500;
  std::atomic<int> sent{0};
  std::atomic<int> seen{0};
  std::thread waker([&] {
    for (int i = 1; i <= kRounds; ++i) {
      sent.store(i);
      io_->wake();
      while (seen.load() < i) std::this_thread::yield();
    }
  });
  std::vector<WriteCompletion> none;
  const auto begin = std::chrono::steady_clock::now();
  while (seen.load() < kRounds) {
    if (sent.load() > seen.load()) {
      seen.store(sent.load());
    } else {
      io_->wait(seconds(300), none);
    }
  }
  waker.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(250));
}

TEST_P(IoTest, WakesAndWritesTogetherLoseNothing) {
  constexpr std::uint64_t kWrites = 300;
  const FileHandle file = create("a.log", 1U << 20);
  const AlignedBuffer bytes = pattern(4096, 1);
  std::atomic<bool> stop{false};
  std::thread waker([&] {
    while (!stop.load()) {
      io_->wake();
      std::this_thread::yield();
    }
  });
  std::uint64_t done = 0;
  std::vector<WriteCompletion> completions;
  for (std::uint64_t i = 0; i < kWrites; ++i) {
    io_->submit_write(file, {bytes.data(), bytes.size()}, i % 256 * 4096, i);
    while (done <= i) {
      completions.clear();
      io_->wait(seconds(300), completions);
      done += completions.size();
    }
  }
  stop.store(true);
  waker.join();
  EXPECT_EQ(done, kWrites);
}

TEST_P(IoTest, FilesAreCreatedOnceRenamedAndRemoved) {
  const std::string a = directory_ + "/a.log";
  const std::string b = directory_ + "/b.log";
  ASSERT_TRUE(io_->create_zeroed(a, 8192).ok());
  EXPECT_EQ(io_->create_zeroed(a, 8192).code(), StatusCode::already_exists);
  auto file = io_->open(a);
  ASSERT_TRUE(file.ok());
  const AlignedBuffer bytes = pattern(4096, 5);
  EXPECT_TRUE(io_->write_now(*file, {bytes.data(), bytes.size()}, 4096).ok());
  EXPECT_TRUE(io_->sync(*file).ok());
  auto size = io_->size(*file);
  ASSERT_TRUE(size.ok());
  EXPECT_EQ(*size, 8192U);
  io_->close(*file);
  ASSERT_TRUE(io_->rename(a, b).ok());
  auto names = io_->list(directory_);
  ASSERT_TRUE(names.ok());
  EXPECT_EQ(*names, std::vector<std::string>{"b.log"});
  EXPECT_EQ(io_->open(a).status().code(), StatusCode::not_found);
  EXPECT_EQ(io_->rename(a, b).code(), StatusCode::not_found);
  ASSERT_TRUE(io_->remove(b).ok());
  EXPECT_EQ(io_->remove(b).code(), StatusCode::not_found);
  names = io_->list(directory_);
  ASSERT_TRUE(names.ok());
  EXPECT_TRUE(names->empty());
}

TEST_P(IoTest, ReadsStopAtTheEndOfTheFile) {
  const FileHandle file = create("a.log", 8192);
  AlignedBuffer back;
  back.resize(16384);
  auto size = io_->read(file, {back.data(), back.size()}, 4096);
  ASSERT_TRUE(size.ok());
  EXPECT_EQ(*size, 4096U);
  size = io_->read(file, {back.data(), back.size()}, 8192);
  ASSERT_TRUE(size.ok());
  EXPECT_EQ(*size, 0U);
}

TEST_P(IoTest, DirectoriesAreMadeAndMeasured) {
  EXPECT_TRUE(io_->make_directory(directory_ + "/sub").ok());
  EXPECT_TRUE(io_->make_directory(directory_ + "/sub").ok());
  auto free = io_->free_bytes(directory_);
  ASSERT_TRUE(free.ok());
  EXPECT_GT(*free, 0U);
}

TEST_P(IoTest, ABackgroundIoSharesTheFiles) {
  auto other = io_->background();
  if (GetParam() == Backend::sim) {
    EXPECT_EQ(other, nullptr);
    return;
  }
  Status status;
  std::thread thread([&] { status = other->create_zeroed(directory_ + "/b.log", 1U << 20); });
  thread.join();
  EXPECT_TRUE(status.ok()) << status.to_string();
  EXPECT_TRUE(io_->open(directory_ + "/b.log").ok());
}

TEST_P(IoTest, HandlesAreUsedAgain) {
  ASSERT_TRUE(io_->create_zeroed(directory_ + "/a.log", 8192).ok());
  for (int i = 0; i < 20000; ++i) {
    auto file = io_->open(directory_ + "/a.log");
    ASSERT_TRUE(file.ok()) << file.status().to_string();
    ASSERT_LE(file->value, 2U);
    io_->close(*file);
    if (GetParam() != Backend::sim && i > 2000) break;
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, IoTest,
                         ::testing::Values(Backend::sim, Backend::uring, Backend::pwritev2),
                         [](const auto& test) {
                           return test.param == Backend::sim     ? "Sim"
                                  : test.param == Backend::uring ? "Uring"
                                                                 : "Pwritev2";
                         });

TEST(MakeIoTest, AutomaticAlwaysGivesABackendAndLeavesNothingBehind) {
  const sim::TempDirectory temp;
  auto io = make_io(IoBackend::automatic, temp.path());
  ASSERT_TRUE(io.ok()) << io.status().to_string();
  EXPECT_TRUE((*io)->name() == "uring" || (*io)->name() == "pwritev2");
  auto names = (*io)->list(temp.path());
  ASSERT_TRUE(names.ok());
  EXPECT_TRUE(names->empty());
}

// A container's process has the number 1 after each restart.
TEST(MakeIoTest, WhatAKilledProcessOfTheSameNumberLeftIsNoObstacle) {
  const sim::TempDirectory temp;
  const std::string prefix = temp.path() + "/.probe-" + std::to_string(::getpid()) + "-";
  for (int i = 0; i < 100; ++i) std::ofstream(prefix + std::to_string(i)) << "left";
  for (const IoBackend backend : {IoBackend::automatic, IoBackend::pwritev2}) {
    auto io = make_io(backend, temp.path());
    EXPECT_TRUE(io.ok()) << io.status().to_string();
  }
}

TEST(MakeIoTest, AMissingDirectoryIsAnError) {
  const sim::TempDirectory temp;
  EXPECT_FALSE(make_io(IoBackend::automatic, temp.path() + "/none").ok());
}

}  // namespace
}  // namespace ingot::log
