// A process killed while it writes checkpoints: the store opens at the last one that was
// acknowledged, or the one after, whole.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/storage/store_model.h"

namespace ingot::storage {
namespace {

// What every checkpoint says, so that each position has one right state.
void put_state(Checkpoint& checkpoint, std::uint64_t n) {
  const std::string text = std::to_string(n);
  for (int i = 0; i < 40; ++i) {
    checkpoint.put_record("shared" + std::to_string(i), text);
    checkpoint.put_id("of" + text + "-" + std::to_string(i), SequenceNumber(n));
  }
  for (int i = 0; i < 40 && n > 1; ++i) {
    checkpoint.erase_id("of" + std::to_string(n - 1) + "-" + std::to_string(i));
  }
  checkpoint.put_row(SequenceNumber(n), text);
  checkpoint.erase_row(SequenceNumber(n - 1));
  checkpoint.put_entry(EntryTable::timers, "timer", text);
  checkpoint.put_blob("blob", std::string(5000, 'x') + text);
}

void expect_state(const CheckpointStore& store, std::uint64_t n) {
  const std::string text = std::to_string(n);
  EXPECT_EQ(store.counters().rows, n == 0 ? 0U : 1U);
  EXPECT_EQ(store.counters().ids, n == 0 ? 0U : 80U);
  EXPECT_EQ(count_faults(store), 0);
  if (n == 0) return;
  const auto scanned = store.scan("shared", {}, 100);
  ASSERT_TRUE(scanned.ok()) << scanned.status().to_string();
  ASSERT_EQ(scanned->size(), 40U);
  for (const ScannedId& found : *scanned) EXPECT_EQ(found.located.record, text);
  const auto named = store.scan("of", {}, 100);
  ASSERT_TRUE(named.ok());
  ASSERT_EQ(named->size(), 40U);
  EXPECT_TRUE(named->front().id.starts_with("of" + text + "-"));
  const auto row = store.read_row(SequenceNumber(n));
  ASSERT_TRUE(row.ok()) << row.status().to_string();
  EXPECT_EQ(*row, text);
  const auto blob = store.read_blob("blob");
  ASSERT_TRUE(blob.ok() && blob->has_value());
  EXPECT_EQ(**blob, std::string(5000, 'x') + text);
}

// The child: checkpoints until it is killed, telling of each one that was made.
[[noreturn]] void write_until_killed(const std::string& directory, int out) {
  auto opened = open_lmdb_store(options_in(directory));
  if (!opened.ok()) ::_exit(2);
  for (std::uint64_t n = (*opened)->position().value + 1;; ++n) {
    auto checkpoint = (*opened)->begin();
    if (!checkpoint.ok()) ::_exit(3);
    put_state(**checkpoint, n);
    if (!(*checkpoint)->commit(Position(n)).ok()) ::_exit(4);
    if (::write(out, &n, sizeof n) != sizeof n) ::_exit(5);
  }
}

TEST(CrashTest, AKilledWriterLeavesWholeCheckpoints) {
  const sim::TempDirectory directory;
  Random random(9);
  std::uint64_t acknowledged = 0;
  for (int round = 0; round < 8; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      write_until_killed(directory.path(), ends[1]);
    }
    ::close(ends[1]);
    // Killed somewhere in the checkpoint after the last one read here, or later.
    const std::uint64_t wanted = 1 + random.below(12);
    for (std::uint64_t i = 0; i < wanted; ++i) {
      ASSERT_EQ(::read(ends[0], &acknowledged, sizeof acknowledged),
                static_cast<ssize_t>(sizeof acknowledged));
    }
    ::usleep(static_cast<useconds_t>(random.below(4000)));
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << status;
    // What it managed to tell before it died counts too.
    while (::read(ends[0], &acknowledged, sizeof acknowledged) ==
           static_cast<ssize_t>(sizeof acknowledged)) {
    }
    ::close(ends[0]);
    const auto store = must_open(directory.path());
    ASSERT_TRUE(store);
    const std::uint64_t position = store->position().value;
    EXPECT_GE(position, acknowledged);
    EXPECT_LE(position, acknowledged + 1);
    expect_state(*store, position);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace ingot::storage
