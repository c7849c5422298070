// From the cut to the trimming of the log: nothing is in a checkpoint that the log could lose, and
// nothing leaves the log that no checkpoint holds.

#include "partition/checkpoint/checkpointer.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "partition/apply/apply.h"
#include "tests/commit-log/log_harness.h"
#include "tests/partition/event_bytes.h"
#include "tests/partition/seams.h"

namespace ingot::partition {
namespace {

constexpr Duration kNow = std::chrono::hours(1);

class CheckpointerTest : public testing::Test {
 protected:
  CheckpointerTest() {
    options_.log_bytes_max = 2ULL << 20;
    disk_.set_prompt(true);
    log::Opened opened = log::open_log(io_, log::small_log("/log"));
    EXPECT_TRUE(opened.status.ok()) << opened.status.to_string();
    log_ = std::move(opened.log);
    checkpointer_.emplace(environment_, state_, *log_, *store_, residency_);
  }

  // Applies a fact, and puts `bytes` for it into the log's batch.
  void record(std::size_t bytes = 100) {
    const std::string event = started_event("instance-" + std::to_string(state_.applied.value));
    Effects effects;
    const Status applied =
        apply(state_, state_.applied.plus(1),
              Fact{at_us(1000), InstanceCreated{1, std::nullopt, {}, event}}, effects);
    ASSERT_TRUE(applied.ok()) << applied.to_string();
    ASSERT_EQ(log_->append(log::fact_at(state_.applied.value, bytes)), state_.applied);
  }
  void write() {
    const Status written = log::write_all(io_, *log_);
    ASSERT_TRUE(written.ok()) << written.to_string();
  }
  // More than two segments of facts.
  void fill_segments() {
    while (log_->counters().segments < 3) {
      record(50'000);
      write();
      if (HasFatalFailure()) return;
    }
  }
  // Asks for a checkpoint; the answer comes to `answer_`.
  void ask() {
    CheckpointRequest request{[this](const Status& status) { answer_ = status; }};
    checkpointer_->take(request);
  }
  // Turns until the cut is with the checkpoint thread.
  void turn_until_submitted(Duration now = kNow) {
    for (int i = 0; i < 100 && seams_.jobs.empty(); ++i) checkpointer_->turn(now, false);
    ASSERT_EQ(seams_.jobs.size(), 1U);
  }
  Status take_done(Duration now = kNow) {
    EXPECT_EQ(seams_.answers.size(), 1U);
    const Status taken = checkpointer_->take(seams_.answers.front(), now);
    seams_.answers.clear();
    return taken;
  }
  // What a recovery from the log as it is now, and the checkpoint as it is now, would replay.
  log::Facts replayed() {
    const auto disk = disk_.clone(5);
    sim::SimIo io(*disk);
    const log::Opened opened = log::open_log(io, log::small_log("/log", 2), store_->position());
    EXPECT_TRUE(opened.status.ok()) << opened.status.to_string();
    return opened.facts;
  }

  HubOptions options_;
  const Registry registry_;
  const SystemClock clock_;
  Seams<CheckpointDone> seams_;
  const Environment environment_{options_, registry_, clock_, seams_,
                                 seams_,   seams_,    seams_, seams_};
  sim::SimDisk disk_{1};
  sim::SimIo io_{disk_};
  std::unique_ptr<log::CommitLog> log_;
  std::unique_ptr<storage::CheckpointStore> store_ = storage::make_memory_store();
  PartitionState state_{PartitionId(0), 1};
  Sessions sessions_;
  Residency residency_{environment_, state_, *store_, sessions_};
  std::optional<Checkpointer> checkpointer_;
  std::optional<Status> answer_;
};

TEST_F(CheckpointerTest, ACutIsWrittenOnceTheLogHoldsItsFacts) {
  record();
  write();
  record();
  ask();
  for (int i = 0; i < 10; ++i) checkpointer_->turn(kNow, false);
  EXPECT_TRUE(seams_.jobs.empty());  // its last fact is in the batch
  ASSERT_TRUE(log_->flush(7).ok());
  for (int i = 0; i < 10; ++i) checkpointer_->turn(kNow, false);
  EXPECT_TRUE(seams_.jobs.empty());  // now it flies
  ASSERT_TRUE(log::settle(io_, *log_).ok());
  record();  // what comes later is none of its business
  turn_until_submitted();
  EXPECT_FALSE(answer_);
  seams_.run_jobs();
  EXPECT_EQ(store_->position(), Position(2));
  EXPECT_FALSE(answer_);
  EXPECT_TRUE(take_done().ok());
  ASSERT_TRUE(answer_);
  EXPECT_TRUE(answer_->ok()) << answer_->to_string();
}

TEST_F(CheckpointerTest, TheLogIsTrimmedOnceTheCheckpointIsThere) {
  ASSERT_NO_FATAL_FAILURE(fill_segments());
  const std::uint64_t facts = state_.applied.value;
  const std::uint64_t segments = log_->counters().segments;
  ask();
  EXPECT_EQ(replayed().size(), facts);
  turn_until_submitted();
  EXPECT_EQ(log_->counters().segments, segments);
  EXPECT_EQ(replayed().size(), facts);
  seams_.run_jobs();
  EXPECT_EQ(log_->counters().segments, segments);
  EXPECT_TRUE(take_done().ok());
  EXPECT_EQ(log_->counters().segments, 1U);
  EXPECT_EQ(replayed().size(), 0U);
}

TEST_F(CheckpointerTest, AFullDiskKeepsTheCutAndTheLog) {
  ASSERT_NO_FATAL_FAILURE(fill_segments());
  const std::uint64_t segments = log_->counters().segments;
  ask();
  turn_until_submitted();
  seams_.jobs.clear();
  seams_.answers.push_back({Status(StatusCode::disk_full, "full")});
  EXPECT_TRUE(take_done().ok());
  ASSERT_TRUE(answer_);
  EXPECT_EQ(answer_->code(), StatusCode::disk_full);
  EXPECT_EQ(log_->counters().segments, segments);
  EXPECT_EQ(replayed().size(), state_.applied.value);
  // It is tried again after a while, by itself.
  checkpointer_->turn(kNow, false);
  EXPECT_TRUE(seams_.jobs.empty());
  turn_until_submitted(kNow + std::chrono::seconds(1));
  seams_.run_jobs();
  EXPECT_TRUE(take_done(kNow + std::chrono::seconds(1)).ok());
  EXPECT_EQ(log_->counters().segments, 1U);
}

TEST_F(CheckpointerTest, AFailedCheckpointKeepsTheLogAndIsReported) {
  ASSERT_NO_FATAL_FAILURE(fill_segments());
  ask();
  turn_until_submitted();
  seams_.jobs.clear();
  seams_.answers.push_back({Status(StatusCode::io_error, "broken")});
  EXPECT_EQ(take_done().code(), StatusCode::io_error);
  EXPECT_EQ(replayed().size(), state_.applied.value);
  EXPECT_FALSE(answer_);
  checkpointer_->refuse_waiting(Status(StatusCode::unavailable, "stopped"));
  ASSERT_TRUE(answer_);
  EXPECT_EQ(answer_->code(), StatusCode::unavailable);
}

TEST_F(CheckpointerTest, TheLogIsBehindUntilACheckpointCatchesUp) {
  EXPECT_FALSE(checkpointer_->behind());
  while (checkpointer_->tail_bytes() <= options_.log_bytes_max) {
    EXPECT_FALSE(checkpointer_->behind());
    record(100'000);
    ASSERT_NO_FATAL_FAILURE(write());
  }
  EXPECT_TRUE(checkpointer_->behind());
  ask();
  turn_until_submitted();
  EXPECT_TRUE(checkpointer_->behind());
  seams_.run_jobs();
  EXPECT_TRUE(checkpointer_->behind());
  EXPECT_TRUE(take_done().ok());
  EXPECT_FALSE(checkpointer_->behind());
  EXPECT_EQ(checkpointer_->tail_bytes(), 0U);
}

}  // namespace
}  // namespace ingot::partition
