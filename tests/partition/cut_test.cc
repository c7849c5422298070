// A checkpoint's cut: taken in slices while facts go on, written, and read back with the facts
// behind it, it gives the state that never stopped.

#include "partition/checkpoint/cut.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/hash.h"
#include "partition/apply/apply.h"
#include "partition/recovery/replay.h"
#include "partition/state/row.h"
#include "tests/partition/fact_program.h"

namespace ingot::partition {
namespace {

constexpr PartitionId kSelf(0);
constexpr std::uint32_t kPartitions = 3;

// Everything that a partition has, wherever it lies: in memory, in the finished stage, or only in
// the store.
struct Whole {
  std::string tables;
  std::map<std::string, std::string> rows;  // live ones and records, by id
  std::set<TimerKey> timers;
  std::map<TaskKey, DetachedTask> detached;

  bool operator==(const Whole&) const = default;
};

Whole whole_of(const PartitionState& state, const storage::CheckpointStore& store) {
  Whole whole;
  state.encode_tables(whole.tables);
  whole.timers = state.agenda.timers();
  for (const auto& [key, task] : state.detached.all()) whole.detached.emplace(key, *task);
  // The oldest first, so that what is newer replaces it.
  const auto scanned = store.scan("", "", 1'000'000);
  EXPECT_TRUE(scanned.ok());
  for (const storage::ScannedId& found : *scanned) {
    if (found.located.sequence.value == 0) {
      whole.rows[found.id] = found.located.record;
      continue;
    }
    const Result<std::string> row = store.read_row(found.located.sequence);
    EXPECT_TRUE(row.ok()) << found.id;
    if (row.ok()) whole.rows[found.id] = *row;
  }
  const auto add_records = [&](const FinishedRecords& records) {
    records.for_each([&](const FinishedRecord& record) {
      if (record.purged()) {
        whole.rows.erase(std::string(record.id));
      } else {
        whole.rows[std::string(record.id)] = std::string(record.row);
      }
    });
  };
  if (state.finished.sealed() != nullptr) add_records(*state.finished.sealed());
  add_records(state.finished.current());
  state.instances.for_each([&](const Instance& instance) {
    std::string row;
    encode_row(instance, row);
    whole.rows[instance.id] = row;
  });
  return whole;
}

// A partition at work on a store, without its log: the facts are kept here.
class Machine {
 public:
  explicit Machine(std::uint64_t seed) : random_(seed), program_(seed) {}

  // One fact.
  void work() {
    facts_.push_back(program_.next(*state_));
    const Status applied =
        replay_fact(*store_, *state_, state_->applied.plus(1), facts_.back(), effects_);
    ASSERT_TRUE(applied.ok()) << "fact " << facts_.size() << ": " << applied.to_string();
  }

  // A whole checkpoint with facts in between.
  void checkpoint() {
    Cut cut(*state_);
    ASSERT_EQ(cut.position(), state_->applied);
    const Whole then = whole_of(*state_, *store_);
    do {
      for (std::uint64_t left = random_.below(6); left != 0; --left) work();
    } while (!cut.copy_some(1 + random_.below(4)) && !testing::Test::HasFatalFailure());
    for (std::uint64_t left = random_.below(20); left != 0; --left) work();
    const Whole before = whole_of(*state_, *store_);
    ASSERT_TRUE(cut.write(*store_).ok());
    ASSERT_EQ(store_->position(), cut.position());
    committed_epoch_ = cut.epoch();
    // Writing changes nothing that can be seen; only now the records may go.
    ASSERT_EQ(whole_of(*state_, *store_), before);
    static_cast<void>(state_->finished.release());
    ASSERT_EQ(whole_of(*state_, *store_), before);
    // What was written is the state as of the cut.
    PartitionState read(kSelf, kPartitions);
    ASSERT_TRUE(load_checkpoint(*store_, read).ok());
    ASSERT_EQ(whole_of(read, *store_), then);
  }

  // Idle instances leave memory, as Residency lets them.
  void evict() {
    std::vector<Instance*> idle;
    state_->instances.for_each([&](Instance& instance) {
      if (instance.dirty_epoch == 0 && instance.copied_epoch <= committed_epoch_ &&
          !instance.has_outstanding_work() && random_.one_in(2)) {
        idle.push_back(&instance);
      }
    });
    for (Instance* instance : idle) state_->instances.remove(*instance).reset();
  }

  // The state made of the checkpoint and the facts behind it is the one that never stopped.
  void expect_recoverable() {
    PartitionState recovered(kSelf, kPartitions);
    ASSERT_TRUE(load_checkpoint(*store_, recovered).ok());
    ASSERT_EQ(recovered.applied, store_->position());
    for (std::uint64_t p = store_->position().value; p < facts_.size(); ++p) {
      const Status replayed = replay_fact(*store_, recovered, Position(p + 1), facts_[p], effects_);
      ASSERT_TRUE(replayed.ok()) << "fact " << p + 1 << ": " << replayed.to_string();
    }
    ASSERT_EQ(whole_of(recovered, *store_), whole_of(*state_, *store_));
    // What is unfinished is in memory without being asked for.
    std::size_t unfinished = 0;
    state_->instances.for_each([&](const Instance& instance) {
      if (!instance.has_outstanding_work()) return;
      ++unfinished;
      ASSERT_NE(recovered.instances.find(instance.sequence), nullptr) << instance.id;
    });
    std::size_t recovered_unfinished = 0;
    recovered.instances.for_each([&](const Instance& instance) {
      recovered_unfinished += instance.has_outstanding_work() ? 1 : 0;
      // An id that is taken over may be there as a record.
      if (instance.stored) {
        ASSERT_TRUE(store_->may_contain(instance.id)) << instance.id;
      }
    });
    ASSERT_EQ(recovered_unfinished, unfinished);
  }

  // The process ends; another one goes on from the store and the facts.
  void restart() {
    state_ = std::make_unique<PartitionState>(kSelf, kPartitions);
    ASSERT_TRUE(load_checkpoint(*store_, *state_).ok());
    for (std::uint64_t p = store_->position().value; p < facts_.size(); ++p) {
      ASSERT_TRUE(replay_fact(*store_, *state_, Position(p + 1), facts_[p], effects_).ok());
    }
    committed_epoch_ = 0;
  }

  PartitionState& state() { return *state_; }
  storage::CheckpointStore& store() { return *store_; }
  Random& random() { return random_; }

 private:
  Random random_;
  FactProgram program_;
  std::unique_ptr<storage::CheckpointStore> store_ = storage::make_memory_store();
  std::unique_ptr<PartitionState> state_ = std::make_unique<PartitionState>(kSelf, kPartitions);
  std::vector<std::string> facts_;
  Effects effects_;
  std::uint64_t committed_epoch_ = 0;
};

TEST(CutTest, ACheckpointAndTheFactsBehindItGiveTheState) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Machine machine(seed);
    for (int round = 0; round < 6; ++round) {
      SCOPED_TRACE("round " + std::to_string(round));
      for (std::uint64_t left = machine.random().below(60); left != 0; --left) machine.work();
      machine.checkpoint();
      machine.expect_recoverable();
      if (testing::Test::HasFatalFailure()) return;
      machine.evict();
      for (std::uint64_t left = machine.random().below(60); left != 0; --left) machine.work();
      machine.expect_recoverable();
      if (machine.random().one_in(3)) machine.restart();
      if (testing::Test::HasFatalFailure()) return;
    }
    EXPECT_GT(machine.state().counters.finished, 0U);
  }
}

TEST(CutTest, TheStoreHoldsNoRowOfAnEndedInstance) {
  Machine machine(77);
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 250; ++i) machine.work();
    machine.checkpoint();
    if (testing::Test::HasFatalFailure()) return;
  }
  // A last one with nothing in between.
  Cut cut(machine.state());
  while (!cut.copy_some(100)) {
  }
  ASSERT_TRUE(cut.write(machine.store()).ok());
  const storage::StoreCounters counters = machine.store().counters();
  EXPECT_EQ(counters.rows, machine.state().instances.size());
  std::uint64_t finished = 0;
  std::uint64_t existing = machine.state().counters.entities;
  for (std::uint8_t i = 0; i <= kRuntimeStatusMax; ++i) {
    const auto status = static_cast<RuntimeStatus>(i);
    existing += machine.state().count(status);
    if (is_terminal(status)) finished += machine.state().count(status);
  }
  EXPECT_GT(finished, 0U);
  EXPECT_EQ(counters.records, finished);
  EXPECT_EQ(counters.ids, existing);
  std::size_t work = 0;
  ASSERT_TRUE(machine.store()
                  .for_each_entry(storage::EntryTable::work,
                                  [&](std::string_view, std::string_view) {
                                    ++work;
                                    return Status();
                                  })
                  .ok());
  std::size_t unfinished = 0;
  machine.state().instances.for_each(
      [&](const Instance& i) { unfinished += i.has_outstanding_work() ? 1 : 0; });
  EXPECT_EQ(work, unfinished);
}

TEST(CutTest, ACutOfNothingIsACheckpointToo) {
  Machine machine(1);
  machine.checkpoint();
  machine.expect_recoverable();
}

TEST(CutTest, AListedInstanceWithoutItsRowIsCorrupt) {
  const auto store = storage::make_memory_store();
  PartitionState state(kSelf, kPartitions);
  state.applied = Position(5);
  auto checkpoint = store->begin();
  ASSERT_TRUE(checkpoint.ok());
  std::string tables;
  state.encode_tables(tables);
  (*checkpoint)->put_blob(kTablesBlob, tables);
  (*checkpoint)->put_entry(storage::EntryTable::work, encode_work_key(SequenceNumber(7)), {});
  ASSERT_TRUE((*checkpoint)->commit(Position(5)).ok());
  PartitionState read(kSelf, kPartitions);
  const Status refused = load_checkpoint(*store, read);
  EXPECT_EQ(refused.code(), StatusCode::corrupt) << refused.to_string();
  EXPECT_NE(refused.message().find('7'), std::string::npos) << refused.to_string();
}

TEST(CutTest, TablesOfAnotherPositionAreCorrupt) {
  const auto store = storage::make_memory_store();
  PartitionState state(kSelf, kPartitions);
  state.applied = Position(5);
  Cut cut(state);
  ASSERT_TRUE(cut.copy_some(1));
  auto checkpoint = store->begin();
  ASSERT_TRUE(checkpoint.ok());
  std::string tables;
  state.encode_tables(tables);
  (*checkpoint)->put_blob(kTablesBlob, tables);
  ASSERT_TRUE((*checkpoint)->commit(Position(6)).ok());
  PartitionState read(kSelf, kPartitions);
  EXPECT_EQ(load_checkpoint(*store, read).code(), StatusCode::corrupt);
}

TEST(CutTest, TablesOfAnotherPartitionAreCorrupt) {
  PartitionState state(kSelf, kPartitions);
  std::string tables;
  state.encode_tables(tables);
  EXPECT_TRUE(PartitionState(kSelf, kPartitions).decode_tables(tables).ok());
  EXPECT_FALSE(PartitionState(PartitionId(1), kPartitions).decode_tables(tables).ok());
  EXPECT_FALSE(PartitionState(kSelf, kPartitions + 1).decode_tables(tables).ok());
}

TEST(CutTest, DamagedTablesNeverCrash) {
  Machine machine(9);
  for (int i = 0; i < 200; ++i) machine.work();
  std::string tables;
  machine.state().encode_tables(tables);
  for (std::size_t size = 0; size < tables.size(); ++size) {
    PartitionState cut(kSelf, kPartitions);
    ASSERT_EQ(cut.decode_tables(std::string_view(tables).substr(0, size)).code(),
              StatusCode::corrupt);
  }
  for (std::size_t at = 0; at < tables.size(); ++at) {
    std::string bad = tables;
    bad[at] ^= static_cast<char>(1 + machine.random().below(255));
    PartitionState damaged(kSelf, kPartitions);
    const Status decoded = damaged.decode_tables(bad);
    if (!decoded.ok()) continue;
    for (const auto& [destination, channel] : damaged.outbox.channels()) {
      ASSERT_LT(destination.value, kPartitions);
    }
  }
}

TEST(CutTest, KeysSortAsTimersDoAndComeBack) {
  const std::uint64_t seed = 4;
  Random random(seed);
  std::map<std::string, TimerKey> by_bytes;
  std::set<TimerKey> timers;
  for (int i = 0; i < 2000; ++i) {
    const TimerKey key{at_us(static_cast<std::int64_t>(random.next() >> (1 + random.below(60)))),
                       SequenceNumber(random.next() >> random.below(64)),
                       static_cast<std::int32_t>(random.next() >> 33),
                       static_cast<std::uint32_t>(random.next())};
    const std::string bytes = encode_timer_key(key);
    const Result<TimerKey> decoded = decode_timer_key(bytes);
    ASSERT_TRUE(decoded.ok());
    ASSERT_EQ(*decoded, key) << "seed " << seed;
    by_bytes.emplace(bytes, key);
    timers.insert(key);
  }
  auto next = timers.begin();
  for (const auto& [bytes, key] : by_bytes) ASSERT_EQ(key, *next++);
  const TimerKey scheduled{at_us(7), SequenceNumber(1), kScheduledStartTimer, 0};
  EXPECT_EQ(*decode_timer_key(encode_timer_key(scheduled)), scheduled);
  EXPECT_EQ(decode_timer_key("short").status().code(), StatusCode::corrupt);
  EXPECT_EQ(*decode_work_key(encode_work_key(SequenceNumber(258))), SequenceNumber(258));
  EXPECT_EQ(encode_work_key(SequenceNumber(258)), std::string("\0\0\0\0\0\0\1\2", 8));
  EXPECT_EQ(decode_work_key("123456789").status().code(), StatusCode::corrupt);
}

}  // namespace
}  // namespace ingot::partition
