// Both stores against the model: random checkpoints, some abandoned, with the LMDB store reopened
// now and then. The seed is printed with each failure.

#include "storage/checkpoint_store.h"

#include <utility>
#include <vector>

#include "tests/storage/store_model.h"

namespace ingot::storage {
namespace {

enum class Kind { memory, lmdb };

class CheckpointStoreTest : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override { reopen(); }
  void reopen() {
    if (GetParam() == Kind::memory) {
      if (!store_) store_ = make_memory_store();
      return;
    }
    store_.reset();
    store_ = must_open(directory_.path());
    ASSERT_TRUE(store_);
  }
  std::unique_ptr<Checkpoint> begin() {
    auto begun = store_->begin();
    EXPECT_TRUE(begun.ok()) << begun.status().to_string();
    return *std::move(begun);
  }
  void run(std::uint64_t seed, int checkpoints, std::uint64_t changes_max, std::uint64_t universe) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    StoreModel model;
    for (int i = 0; i < checkpoints; ++i) {
      if (random.one_in(7)) {
        StoreModel thrown_away = model;
        auto abandoned = begin();
        thrown_away.random_changes(random, random.below(changes_max), universe, *abandoned);
      }
      auto checkpoint = begin();
      model.random_changes(random, random.below(changes_max), universe, *checkpoint);
      model.position = Position(static_cast<std::uint64_t>(i) * 10 + 1);
      const Status committed = checkpoint->commit(model.position);
      ASSERT_TRUE(committed.ok()) << committed.to_string();
      if (random.one_in(6)) reopen();
      const std::string prefix = random.one_in(2) ? "" : std::to_string(random.below(30));
      model.compare_scan(*store_, prefix, StoreModel::id_of(random.below(universe)),
                         random.below(60));
      model.compare_scan(*store_, "order-0", {}, 40);
      model.compare_scan_down(*store_, prefix, StoreModel::id_of(random.below(universe)),
                              random.below(60));
      model.compare_scan_down(*store_, prefix, {}, random.below(60));
      go_on_from_a_place(random, model);
      for (int probe = 0; probe < 30; ++probe) {
        model.compare_one(*store_, StoreModel::id_of(random.below(universe)));
        model.compare_row(*store_, random.below(universe) + 1);
      }
      model.compare_small_tables(*store_);
      if (HasFatalFailure()) return;
    }
    model.compare_all(*store_, universe);
    reopen();
    model.compare_all(*store_, universe);
  }

  // Cursors of earlier checkpoints still mean what they meant. Keeps one more.
  void go_on_from_a_place(Random& random, const StoreModel& model) {
    const std::size_t limit = 1 + random.below(100);
    if (!bookmarks_.empty()) {
      const auto& [place, cursor] = bookmarks_[random.below(bookmarks_.size())];
      model.compare_records(*store_, place, cursor, limit, ScanOrder::ascending);
      model.compare_records(*store_, place + 1, cursor, limit, ScanOrder::descending);
    }
    const auto page = store_->scan_records(RecordCursor::begin(), limit);
    ASSERT_TRUE(page.ok()) << page.status().to_string();
    if (!page->empty())
      bookmarks_.emplace_back(model.places.at(page->back().id), page->back().next);
  }

  sim::TempDirectory directory_;
  std::unique_ptr<CheckpointStore> store_;
  std::vector<std::pair<std::uint64_t, RecordCursor>> bookmarks_;  // behind the record put as n-th
};

TEST_P(CheckpointStoreTest, ANewStoreIsEmpty) {
  EXPECT_EQ(store_->position(), Position(0));
  EXPECT_FALSE(store_->may_contain("a"));
  StoreModel().compare_all(*store_, 3);
}

TEST_P(CheckpointStoreTest, SmallCheckpointsMatchTheModel) { run(1, 60, 60, 90); }

TEST_P(CheckpointStoreTest, MiddlingCheckpointsMatchTheModel) { run(2, 30, 600, 900); }

TEST_P(CheckpointStoreTest, AnAbandonedCheckpointLeavesNothing) {
  {
    auto checkpoint = begin();
    checkpoint->put_row(SequenceNumber(1), "row");
    checkpoint->put_id("a", SequenceNumber(1));
    checkpoint->put_record("b", "record");
    checkpoint->put_entry(EntryTable::timers, "k", "v");
    checkpoint->put_blob("blob", "bytes");
  }
  StoreModel().compare_all(*store_, 3);
  reopen();
  StoreModel().compare_all(*store_, 3);
}

TEST_P(CheckpointStoreTest, OneCheckpointAtATime) {
  auto first = begin();
  EXPECT_EQ(store_->begin().status().code(), StatusCode::failed_precondition);
  ASSERT_TRUE(first->commit(Position(1)).ok());
  EXPECT_EQ(first->commit(Position(2)).code(), StatusCode::failed_precondition);
  EXPECT_TRUE(store_->begin().ok());
  EXPECT_EQ(store_->position(), Position(1));
}

TEST_P(CheckpointStoreTest, ReadsDuringACheckpointSeeTheLastOne) {
  StoreModel model;
  Random random(5);
  auto first = begin();
  model.random_changes(random, 300, 400, *first);
  model.position = Position(9);
  ASSERT_TRUE(first->commit(model.position).ok());
  auto second = begin();
  StoreModel later = model;
  later.random_changes(random, 300, 400, *second);
  later.position = Position(10);
  model.compare_all(*store_, 400);
  ASSERT_TRUE(second->commit(later.position).ok());
  later.compare_all(*store_, 400);
}

TEST_P(CheckpointStoreTest, TheLastWordInACheckpointCounts) {
  auto checkpoint = begin();
  checkpoint->put_record("a", "one");
  checkpoint->put_id("a", SequenceNumber(4));
  checkpoint->put_record("b", "first");
  checkpoint->put_record("b", "second");
  checkpoint->put_record("c", "gone");
  checkpoint->erase_id("c");
  checkpoint->put_row(SequenceNumber(4), "long" + std::string(9000, 'x'));
  checkpoint->put_row(SequenceNumber(4), "short");
  checkpoint->put_row(SequenceNumber(5), "gone");
  checkpoint->erase_row(SequenceNumber(5));
  ASSERT_TRUE(checkpoint->commit(Position(1)).ok());
  reopen();
  StoreModel model;
  model.position = Position(1);
  model.rows[4] = "short";
  model.ids["a"] = {SequenceNumber(4), {}};
  model.ids["b"] = {SequenceNumber(0), "second"};
  model.places["b"] = 1;
  model.compare_all(*store_, 10);
  model.compare_scan(*store_, {}, {}, 10);
}

// All orders of up to three calls for one id, whatever it named before: in one checkpoint, and
// each in its own.
TEST_P(CheckpointStoreTest, WhateverComesBeforeTheLastCallForAnIdCounts) {
  enum Call : int { record, row, erase, calls };
  StoreModel model;
  std::uint64_t position = 0;
  const auto call = [&](Checkpoint& checkpoint, const std::string& id, int what) {
    if (what == record) model.put_record(checkpoint, id, "record " + std::to_string(position));
    if (what == row) model.put_id(checkpoint, id, SequenceNumber(7));
    if (what == erase) model.erase_id(checkpoint, id);
  };
  const auto commit = [&](Checkpoint& checkpoint) {
    model.position = Position(++position);
    ASSERT_TRUE(checkpoint.commit(model.position).ok());
  };
  // An order of four calls is a number of four digits; the calls are cut into checkpoints.
  constexpr int kOrders = calls * calls * calls * calls;
  const std::vector<std::vector<int>> cuts = {{1, 1, 1, 1}, {1, 3}, {2, 2}, {4}};
  for (std::size_t cut = 0; cut < cuts.size(); ++cut) {
    int digit = 1;
    for (const int length : cuts[cut]) {
      auto checkpoint = begin();
      for (int order = 0; order < kOrders; ++order) {
        const std::string id = std::to_string(cut) + "-" + std::to_string(order);
        for (int i = 0, rest = order / digit; i < length; ++i, rest /= calls) {
          call(*checkpoint, id, rest % calls);
        }
      }
      for (int i = 0; i < length; ++i) digit *= calls;
      commit(*checkpoint);
      model.compare_all(*store_, 1);
      if (HasFailure()) return;
    }
  }
  reopen();
  model.compare_all(*store_, 1);
}

// Most records go, at random, again and again; some ids come back. What stays keeps its order.
TEST_P(CheckpointStoreTest, PurgesAtRandomLeaveTheRest) {
  constexpr std::uint64_t kSeed = 77;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Random random(kSeed);
  StoreModel model;
  std::uint64_t position = 0;
  std::uint64_t next = 0;
  for (int round = 0; round < 16; ++round) {
    if (random.one_in(5)) {
      auto thrown_away = begin();
      for (const auto& [id, place] : model.places) thrown_away->erase_id(id);
    }
    auto checkpoint = begin();
    if (round % 4 == 0) {
      for (int i = 0; i < 800; ++i) {
        model.put_record(*checkpoint, "id" + std::to_string(next++ * 7919 % 1'000'003),
                         random_bytes(random, random.below(150)));
      }
    }
    const auto before = model.places;
    for (const auto& [id, place] : before) {
      const std::uint64_t what = random.below(100);
      if (round % 4 == 1 && what < 80) model.erase_id(*checkpoint, id);
      if (what == 98) model.put_id(*checkpoint, id, SequenceNumber(4));
      if (what == 99) model.put_record(*checkpoint, id, "again");
    }
    model.position = Position(++position);
    const Status committed = checkpoint->commit(model.position);
    ASSERT_TRUE(committed.ok()) << committed.to_string();
    if (random.one_in(5)) reopen();
    go_on_from_a_place(random, model);
    if (round % 4 > 1) model.compare_all(*store_, 1);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, CheckpointStoreTest, ::testing::Values(Kind::memory, Kind::lmdb),
                         [](const auto& kind) {
                           return kind.param == Kind::memory ? "Memory" : "Lmdb";
                         });

}  // namespace
}  // namespace ingot::storage
