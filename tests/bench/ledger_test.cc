#include "bench/ledger.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "core/random.h"
#include "tests/support/temp_directory.h"

namespace ingot::bench {
namespace {

class LedgerTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return directory_.path() + "/ledger"; }
  void write(const std::string& text) const {
    std::ofstream(path(), std::ios::binary | std::ios::trunc) << text;
  }

 private:
  sim::TempDirectory directory_;
};

TEST_F(LedgerTest, GivesBackWhatManyThreadsEntered) {
  constexpr int kThreads = 4;
  constexpr int kEach = 2000;
  auto ledger = Ledger::open(path());
  ASSERT_TRUE(ledger.ok()) << ledger.status().to_string();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&ledger, t] {
      Ledger::Buffer& buffer = (*ledger)->add_buffer();
      for (int i = 0; i < kEach; ++i) {
        const std::string id = std::to_string(t) + "-" + std::to_string(i);
        buffer.started(id);
        if (i % 2 == 0) buffer.completed(id, "output of\n" + id + " \\ \\n");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE((*ledger)->close().ok());

  const auto entries = read_ledger(path());
  ASSERT_TRUE(entries.ok()) << entries.status().to_string();
  ASSERT_EQ(entries->size(), static_cast<std::size_t>(kThreads * kEach));
  std::map<std::string, std::optional<std::string>> by_id;
  std::string last;
  for (const LedgerEntry& entry : *entries) {
    EXPECT_LT(last, entry.id);
    last = entry.id;
    by_id[entry.id] = entry.output;
  }
  for (int t = 0; t < kThreads; ++t) {
    for (int i = 0; i < kEach; ++i) {
      const std::string id = std::to_string(t) + "-" + std::to_string(i);
      ASSERT_TRUE(by_id.contains(id));
      EXPECT_EQ(by_id[id].has_value(), i % 2 == 0);
      if (i % 2 == 0) {
        EXPECT_EQ(*by_id[id], "output of\n" + id + " \\ \\n");
      }
    }
  }
}

TEST_F(LedgerTest, LinesReachTheFileWhileItIsOpen) {
  auto ledger = Ledger::open(path());
  ASSERT_TRUE(ledger.ok());
  (*ledger)->add_buffer().started("one");
  for (;;) {
    const auto entries = read_ledger(path());
    ASSERT_TRUE(entries.ok());
    if (!entries->empty()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

TEST_F(LedgerTest, UnfinishedLastLineIsIgnoredAndThenCutOff) {
  write("S a\nS b\nC a x\nC b unfini");
  auto entries = read_ledger(path());
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries->size(), 2U);
  EXPECT_FALSE((*entries)[1].output.has_value());

  auto ledger = Ledger::open(path());
  ASSERT_TRUE(ledger.ok());
  (*ledger)->add_buffer().started("c");
  ASSERT_TRUE((*ledger)->close().ok());
  entries = read_ledger(path());
  ASSERT_TRUE(entries.ok()) << entries.status().to_string();
  ASSERT_EQ(entries->size(), 3U);
  EXPECT_EQ((*entries)[0].output, "x");
  EXPECT_EQ((*entries)[2].id, "c");
}

// Whatever the cut leaves is read without a failure, and is a part of what was entered.
TEST_F(LedgerTest, AnyCutIsReadable) {
  const std::string text = "S a\nS bb\nC a 1 2\nS ccc\nC bb \\\\x\\n\nC ccc \n";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    SCOPED_TRACE(size);
    write(text.substr(0, size));
    const auto entries = read_ledger(path());
    ASSERT_TRUE(entries.ok()) << entries.status().to_string();
    EXPECT_LE(entries->size(), 3U);
    auto ledger = Ledger::open(path());
    ASSERT_TRUE(ledger.ok());
    ASSERT_TRUE((*ledger)->close().ok());
    const auto again = read_ledger(path());
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->size(), entries->size());
  }
}

TEST_F(LedgerTest, LongUnfinishedLineIsCutOff) {
  write("S a\nC a " + std::string(20'000, 'x'));
  auto ledger = Ledger::open(path());
  ASSERT_TRUE(ledger.ok());
  ASSERT_TRUE((*ledger)->close().ok());
  std::ifstream file(path(), std::ios::ate);
  EXPECT_EQ(file.tellg(), 4);
}

TEST_F(LedgerTest, FaultsAreNamed) {
  EXPECT_EQ(read_ledger(path()).status().code(), StatusCode::not_found);
  write("S a\nbogus\n");
  EXPECT_EQ(read_ledger(path()).status().code(), StatusCode::corrupt);
  EXPECT_NE(read_ledger(path()).status().message().find("line 2"), std::string::npos);
  write("C a 1\nC a 2\n");
  EXPECT_EQ(read_ledger(path()).status().code(), StatusCode::corrupt);
  EXPECT_EQ(Ledger::open(path() + "/not/here").status().code(), StatusCode::io_error);
}

}  // namespace
}  // namespace ingot::bench
