// Runs of ids over many checkpoints: merged, level by level, and still telling the truth.

#include "storage/id_merger.h"

#include <set>

#include "tests/storage/store_model.h"

namespace ingot::storage {
namespace {

// Many thousand ids in each checkpoint, so that runs reach several levels; ids come again, are
// erased, and the work of merging is cut off by reopening and by abandoned checkpoints.
void merge_runs(bool ordered, std::uint64_t seed, std::uint64_t checkpoints) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  const sim::TempDirectory directory;
  Random random(seed);
  auto store = must_open(directory.path());
  std::map<std::string, std::string> model;
  std::vector<std::string> ids;
  const auto change = [&](Checkpoint& checkpoint, std::map<std::string, std::string>& into) {
    for (int i = 0; i < 4200; ++i) {
      std::string id;
      if (!ids.empty() && random.one_in(5)) {
        id = ids[random.below(ids.size())];
      } else {
        const std::uint64_t number = ordered ? ids.size() : random.next();
        id = std::to_string(1'000'000'000 + number) + "-instance";
        ids.push_back(id);
      }
      if (random.one_in(9)) {
        checkpoint.erase_id(id);
        into.erase(id);
      } else {
        const std::string record = "r" + std::to_string(random.below(1000));
        checkpoint.put_record(id, record);
        into[id] = record;
      }
    }
  };
  for (std::uint64_t i = 1; i <= checkpoints; ++i) {
    if (i % 8 == 5) {
      auto thrown_away = model;
      change(*must_begin(*store), thrown_away);
    }
    if (i % 7 == 0) {
      store.reset();
      store = must_open(directory.path());
    }
    auto checkpoint = must_begin(*store);
    change(*checkpoint, model);
    const Status committed = checkpoint->commit(Position(i));
    ASSERT_TRUE(committed.ok()) << committed.to_string();
    ASSERT_EQ(store->counters().ids, model.size());
    ASSERT_EQ(store->counters().records, model.size());
  }
  EXPECT_EQ(count_faults(*store), 0);
  const auto scanned = store->scan({}, {}, model.size() + 1);
  ASSERT_TRUE(scanned.ok()) << scanned.status().to_string();
  ASSERT_EQ(scanned->size(), model.size());
  auto expected = model.begin();
  for (const ScannedId& found : *scanned) {
    ASSERT_EQ(found.id, expected->first);
    ASSERT_EQ(found.located.record, expected->second);
    ++expected;
  }
  for (int probe = 0; probe < 500; ++probe) {
    const std::string& id = ids[random.below(ids.size())];
    const auto found = store->find(id);
    ASSERT_TRUE(found.ok()) << found.status().to_string();
    const auto known = model.find(id);
    ASSERT_EQ(found->has_value(), known != model.end());
    if (known != model.end()) {
      EXPECT_EQ((*found)->record, known->second);
      EXPECT_TRUE(store->may_contain(id));
    }
  }
  int maybe = 0;
  for (int i = 0; i < 2000; ++i) maybe += store->may_contain("x" + std::to_string(i)) ? 1 : 0;
  EXPECT_LT(maybe, 200);
  store.reset();
  const StoreMeta meta = meta_of(directory.path());
  EXPECT_LT(meta.runs.size(), 16U);
  EXPECT_GT(std::max_element(meta.runs.begin(), meta.runs.end(),
                             [](const auto& a, const auto& b) { return a.level < b.level; })
                ->level,
            0U);
}

TEST(IdMergerTest, RunsOfRandomIdsAreMerged) { merge_runs(false, 31, 18); }

TEST(IdMergerTest, RunsOfOrderedIdsAreMerged) { merge_runs(true, 32, 12); }

// Erasing more than was put lately leaves many tombstones in young runs: they go by and by, also
// while new ids come, are erased, and merges are cut off.
TEST(IdMergerTest, TombstonesGoWhenTheyAreMany) {
  constexpr std::uint64_t kSeed = 33;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  const sim::TempDirectory directory;
  Random random(kSeed);
  StoreModel model;
  auto store = must_open(directory.path());
  std::uint64_t position = 0;
  std::uint64_t next = 0;
  const auto checkpoint = [&](std::uint64_t put, std::uint64_t kept) {
    if (random.one_in(6)) {
      const auto thrown_away = must_begin(*store);
      for (int i = 0; i < 100; ++i) thrown_away->erase_id("id" + std::to_string(i));
    }
    if (random.one_in(9)) {
      store.reset();
      store = must_open(directory.path());
    }
    const auto begun = must_begin(*store);
    const auto places = model.places;
    for (const auto& [id, place] : places) {
      if (place % kept != 0) model.erase_id(*begun, id);
    }
    for (std::uint64_t i = 0; i < put; ++i) {
      model.put_record(*begun, "id" + std::to_string(next++ * 7919 % 1'000'003), "record");
    }
    model.position = Position(++position);
    const Status committed = begun->commit(model.position);
    ASSERT_TRUE(committed.ok()) << committed.to_string();
  };
  for (int i = 0; i < 6; ++i) checkpoint(5000, 1);
  for (const std::uint64_t kept : {2, 4, 8, 16, 32}) checkpoint(300, kept);
  model.compare_all(*store, 1);
  for (int i = 0; i < 25; ++i) checkpoint(10, 1);
  model.compare_all(*store, 1);
  store.reset();
  const auto file = PageFile::open(directory.path() + "/checkpoint.mdb");
  ASSERT_TRUE(file.ok());
  const auto roots = read_roots(**file);
  ASSERT_TRUE(roots.ok()) << roots.status().to_string();
  TableReader reader(**file, *roots);
  std::uint64_t tombstones = 0;
  for (const RunReference& reference : roots->meta.runs) {
    const auto run = IdRun::load(reader, reference);
    ASSERT_TRUE(run.ok()) << run.status().to_string();
    tombstones += (*run)->tombstones();
  }
  EXPECT_LE(tombstones, IdMerger::kSmallRun);
}

// A merge of all runs that takes long, while the younger ones beside it reach higher levels than
// its sources have: wherever it is cut off, by a new opening or an abandoned checkpoint, the store
// opens and every id is where it was.
TEST(IdMergerTest, WhatOvertakesALongMergeOfAllIsNotLost) {
  constexpr std::uint64_t kIds = 300'000;
  constexpr std::uint64_t kErased = 100'000;
  constexpr std::uint64_t kMore = IdMerger::kSmallRun + 100;
  constexpr std::uint64_t kCheckpoints = 16;
  const auto id_of = [](std::uint64_t n) {
    return std::to_string(10'000'000 + n * 7919 % 1000003);
  };
  for (const std::uint64_t cut_off_at : {0, 7, 8}) {  // 0: never
    for (const bool reopened : {true, false}) {
      SCOPED_TRACE((reopened ? "reopened at " : "abandoned at ") + std::to_string(cut_off_at));
      const sim::TempDirectory directory;
      auto store = must_open(directory.path());
      std::set<std::string> known;
      std::uint64_t next = 0;
      for (std::uint64_t position = 1; position <= kCheckpoints; ++position) {
        if (position == cut_off_at && reopened) {
          store.reset();
          store = must_open(directory.path());
          ASSERT_NE(store, nullptr);
        } else if (position == cut_off_at) {
          must_begin(*store)->put_id("abandoned", SequenceNumber(1));
        }
        const auto checkpoint = must_begin(*store);
        if (position == 2) {
          for (std::uint64_t n = 0; n < kErased; ++n) {
            checkpoint->erase_id(id_of(n));
            known.erase(id_of(n));
          }
        } else {
          for (const std::uint64_t end = next + (position == 1 ? kIds : kMore); next < end;
               ++next) {
            checkpoint->put_id(id_of(next), SequenceNumber(next + 1));
            known.insert(id_of(next));
          }
        }
        const Status committed = checkpoint->commit(Position(position));
        ASSERT_TRUE(committed.ok()) << "checkpoint " << position << ": " << committed.to_string();
      }
      const auto found =
          store->scan({}, {}, known.size() + 1, ScanOrder::ascending, ScanRecords::leave_out);
      ASSERT_TRUE(found.ok()) << found.status().to_string();
      ASSERT_EQ(found->size(), known.size());
      auto expected = known.begin();
      for (const ScannedId& one : *found) ASSERT_EQ(one.id, *expected++);
      EXPECT_EQ(count_faults(*store), 0);
      if (cut_off_at == 0) break;
    }
  }
}

}  // namespace
}  // namespace ingot::storage
