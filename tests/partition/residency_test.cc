// Which instances are in memory: found, loaded, and never brought back after they ended.

#include "partition/memory/residency.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/hash.h"
#include "partition/apply/apply.h"
#include "partition/checkpoint/cut.h"
#include "tests/partition/event_bytes.h"
#include "tests/partition/seams.h"

namespace ingot::partition {
namespace {

class ResidencyTest : public testing::Test {
 protected:
  void record(const FactBody& body) {
    Effects effects;
    const Status applied = apply(state_, state_.applied.plus(1), Fact{at_us(1000), body}, effects);
    ASSERT_TRUE(applied.ok()) << applied.to_string();
  }
  // An instance that waits for nothing but messages.
  void create(const std::string& id) {
    const std::string event = started_event(id);
    record(InstanceCreated{1, std::nullopt, {}, event});
    StepCompleted step;
    step.sequence = state_.last_sequence;
    step.consumed = 1;
    record(step);
  }
  void complete(SequenceNumber sequence) {
    StepCompleted step;
    step.sequence = sequence;
    const std::string actions = complete_action(0);
    step.actions = actions;
    record(step);
  }
  void checkpoint() {
    Cut cut(state_);
    while (!cut.copy_some(10)) {
    }
    ASSERT_TRUE(cut.write(*store_).ok());
    residency_.committed(cut.epoch());
    state_.finished.release().reset();
  }
  Found find(const std::string& id) { return residency_.find(hash64(id), id); }
  void load(const std::string& id) { residency_.load(hash64(id), id, nullptr); }
  // What the loader has brought so far is taken, in order.
  void take_all() {
    seams_.run_jobs();
    for (LoadDone& done : std::exchange(seams_.answers, {})) take(done);
  }
  void take(LoadDone& done) {
    std::vector<std::unique_ptr<Inbox::Entry>> waiting;
    const Status taken = residency_.take(done, waiting);
    ASSERT_TRUE(taken.ok()) << taken.to_string();
  }
  void evict_all() {
    while (residency_.evict(0, 100)) {
    }
  }

  const HubOptions options_;
  const Registry registry_;
  const SystemClock clock_;
  Seams<LoadDone> seams_;
  const Environment environment_{options_, registry_, clock_, seams_,
                                 seams_,   seams_,    seams_, seams_};
  std::unique_ptr<storage::CheckpointStore> store_ = storage::make_memory_store();
  PartitionState state_{PartitionId(0), 1};
  Sessions sessions_;
  Residency residency_{environment_, state_, *store_, sessions_};
};

TEST_F(ResidencyTest, AnEvictedInstanceIsLoadedAgain) {
  create("first");
  EXPECT_NE(find("first").live, nullptr);
  evict_all();
  EXPECT_NE(find("first").live, nullptr);  // not in the store yet
  checkpoint();
  evict_all();
  EXPECT_TRUE(find("first").in_store);
  load("first");
  load("first");
  EXPECT_EQ(seams_.jobs.size(), 1U);
  take_all();
  EXPECT_NE(find("first").live, nullptr);
  EXPECT_EQ(residency_.loads(), 0U);
  EXPECT_EQ(find("none").live, nullptr);
  EXPECT_FALSE(find("none").in_store);
}

TEST_F(ResidencyTest, AnInstanceWithWorkIsNotEvicted) {
  const std::string event = started_event("first");
  record(InstanceCreated{1, std::nullopt, {}, event});
  checkpoint();
  EXPECT_FALSE(residency_.evict(0, 100));
  EXPECT_NE(find("first").live, nullptr);
}

TEST_F(ResidencyTest, AFinishedInstanceIsFoundWhereverItIs) {
  create("first");
  complete(SequenceNumber(1));
  EXPECT_FALSE(find("first").record.empty());
  checkpoint();
  EXPECT_TRUE(find("first").in_store);
  load("first");
  take_all();
  EXPECT_EQ(find("first").live, nullptr);
  EXPECT_FALSE(find("first").record.empty());
  residency_.forget_loaded();
  EXPECT_TRUE(find("first").in_store);
}

TEST_F(ResidencyTest, ALateLoadBringsNoEndedInstanceBack) {
  create("first");
  checkpoint();
  evict_all();
  load("first");
  residency_.load(SequenceNumber(1));
  seams_.run_jobs();
  ASSERT_EQ(seams_.answers.size(), 2U);
  take(seams_.answers[0]);
  ASSERT_NE(find("first").live, nullptr);
  complete(SequenceNumber(1));
  take(seams_.answers[1]);
  EXPECT_EQ(find("first").live, nullptr);
  EXPECT_FALSE(find("first").record.empty());
}

TEST_F(ResidencyTest, ALoadThatACheckpointOvertookIsRepeated) {
  create("first");
  checkpoint();
  evict_all();
  load("first");
  residency_.load(SequenceNumber(1));
  seams_.run_jobs();
  ASSERT_EQ(seams_.answers.size(), 2U);
  take(seams_.answers[0]);
  complete(SequenceNumber(1));
  checkpoint();
  take(seams_.answers[1]);
  seams_.answers.clear();
  EXPECT_EQ(seams_.jobs.size(), 1U);
  take_all();  // its row is gone by now
  EXPECT_EQ(state_.instances.size(), 0U);
  EXPECT_EQ(residency_.loads(), 0U);
}

}  // namespace
}  // namespace ingot::partition
