// A partition at work on what its recovery accepted and could not see through: it stops, and says
// why. Nothing of it ends the process, or goes on for ever.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "partition/shard/partition.h"
#include "tests/partition/recovery_fixture.h"

namespace ingot::partition {
namespace {

using storage::EntryTable;

// What surrounds the partition. What it asks for of itself comes back; the rest is kept.
class Surroundings final : public PartitionPost,
                           public BackgroundJobs,
                           public ActivityExecutor,
                           public WorkBoard {
 public:
  void push(PartitionId destination, Request&& request) override {
    requests.emplace_back(destination, std::move(request));
  }
  void submit(std::function<void()> job) override { jobs.push_back(std::move(job)); }
  void submit(std::vector<ActivityJob>& gathered) override { gathered.clear(); }
  void offer(WorkKind /*kind*/, WorkOffer /*offered*/) override {}
  void released(WorkKind /*kind*/) override {}

  std::vector<std::pair<PartitionId, Request>> requests;
  std::vector<std::function<void()>> jobs;
};

class RecoveredPartitionTest : public RecoveryFixture {
 protected:
  RecoveredPartitionTest() {
    options_.foreign_work = true;
    options_.segment_bytes = 256U << 10;
    options_.payload_bytes_max = 16U << 10;
  }

  void open(const StoreContents& contents) {
    Result<Recovered> recovered = recover(contents);
    ASSERT_TRUE(recovered.ok()) << recovered.status().to_string();
    partition_ =
        std::make_unique<Partition>(environment_, *std::move(recovered), 0, 64ULL << 20, 1, inbox_);
    turn();
  }
  void take(Request request) {
    partition_->take(std::make_unique<Inbox::Entry>(0, false, std::move(request)));
  }
  // A few turns, and all that they ask for.
  void turn() {
    for (int i = 0; i < 20; ++i) {
      monotonic_ += std::chrono::milliseconds(1);
      partition_->turn(at_us(6'000'000) + monotonic_, monotonic_);
      for (const auto& job : std::exchange(surroundings_.jobs, {})) job();
      for (auto& [destination, request] : std::exchange(surroundings_.requests, {})) {
        if (destination == kRecovered) take(std::move(request));
      }
    }
  }

  HubOptions options_;
  const Registry registry_;
  const SystemClock clock_;
  Surroundings surroundings_;
  const Environment environment_{options_,      registry_,     clock_,        surroundings_,
                                 surroundings_, surroundings_, surroundings_, surroundings_};
  Inbox inbox_{1, 100, [] {}};
  Duration monotonic_{std::chrono::hours(1)};
  std::unique_ptr<Partition> partition_;
};

PeerMessages messages(std::uint64_t position) {
  return {PartitionId(5), {{position, "two", raised_event("e")}}};
}

TEST_F(RecoveredPartitionTest, ASoundOneGoesOn) {
  ASSERT_NO_FATAL_FAILURE(open(sound_));
  const std::uint64_t facts = partition_->metrics().facts;
  take(messages(1));
  turn();
  EXPECT_TRUE(partition_->metrics().failure.ok()) << partition_->metrics().failure.to_string();
  EXPECT_GT(partition_->metrics().facts, facts);
}

TEST_F(RecoveredPartitionTest, ATimerThatNobodyWaitsForStopsIt) {
  StoreContents damaged = sound_;
  damaged.entries[{EntryTable::timers, encode_timer_key({at_us(9), SequenceNumber(kBusy), 7, 0})}] =
      {};
  ASSERT_NO_FATAL_FAILURE(open(damaged));
  const Status failure = partition_->metrics().failure;
  EXPECT_EQ(failure.code(), StatusCode::corrupt);
  EXPECT_NE(failure.message().find("timer 7 of instance 1"), std::string::npos)
      << failure.to_string();
}

TEST_F(RecoveredPartitionTest, ATimerOfWhatIsNotThereStopsIt) {
  StoreContents damaged = sound_;
  damaged.entries[{EntryTable::timers,
                   encode_timer_key({at_us(9), SequenceNumber(kPurged), 7, 0})}] = {};
  ASSERT_NO_FATAL_FAILURE(open(damaged));
  const Status failure = partition_->metrics().failure;
  EXPECT_EQ(failure.code(), StatusCode::corrupt);
  EXPECT_NE(failure.message().find("timer of instance 6"), std::string::npos)
      << failure.to_string();
}

TEST_F(RecoveredPartitionTest, ARowOfAnotherNumberStopsIt) {
  StoreContents damaged = sound_;
  damaged.entries[{EntryTable::timers, encode_timer_key({at_us(9), SequenceNumber(kIdle), 7, 0})}] =
      {};
  damaged.rows[kIdle] = changed_row(kIdle, [](Instance& instance) {
    instance.id = "six";
    instance.sequence = SequenceNumber(kPurged);
  });
  ASSERT_NO_FATAL_FAILURE(open(damaged));
  const Status failure = partition_->metrics().failure;
  EXPECT_EQ(failure.code(), StatusCode::corrupt);
  EXPECT_NE(failure.message().find("row 5 holds instance 6"), std::string::npos)
      << failure.to_string();
}

// As when the files of the other partition are older, or those of this one are.
TEST_F(RecoveredPartitionTest, MessagesThatAreMissingBeforeAnotherStopIt) {
  ASSERT_NO_FATAL_FAILURE(open(sound_));
  take(messages(1));
  take(messages(3));
  turn();
  const Status failure = partition_->metrics().failure;
  EXPECT_EQ(failure.code(), StatusCode::corrupt);
  EXPECT_NE(failure.message().find("message 3 from partition 5 follows 1"), std::string::npos)
      << failure.to_string();
}

TEST_F(RecoveredPartitionTest, AGapInItsOwnChannelStopsIt) {
  StoreContents damaged = sound_;
  damaged.tables() = changed_tables([](PartitionState& state) {
    state.outbox.append(kRecovered, "one", raised_event("e"));
    EXPECT_TRUE(state.outbox.confirm(kRecovered, 1));
    state.outbox.append(kRecovered, "one", raised_event("e"));
  });
  ASSERT_NO_FATAL_FAILURE(open(damaged));
  const Status failure = partition_->metrics().failure;
  EXPECT_EQ(failure.code(), StatusCode::corrupt);
  EXPECT_NE(failure.message().find("follows 0"), std::string::npos) << failure.to_string();
}

// The id of a row that says itself to be another's number.
TEST_F(RecoveredPartitionTest, ARowThatIsFoundByItsIdAndHasAnotherNumberStopsIt) {
  StoreContents damaged = sound_;
  damaged.rows[kIdle] =
      changed_row(kIdle, [](Instance& instance) { instance.sequence = SequenceNumber(kPurged); });
  ASSERT_NO_FATAL_FAILURE(open(damaged));
  take(PeerMessages{PartitionId(5), {{1, "five", raised_event("e")}}});
  turn();
  const Status failure = partition_->metrics().failure;
  EXPECT_EQ(failure.code(), StatusCode::corrupt);
  EXPECT_NE(failure.message().find("row 5 holds instance 6"), std::string::npos)
      << failure.to_string();
}

}  // namespace
}  // namespace ingot::partition
