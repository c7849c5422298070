// Recovery from what a random partition has written, changed at random: checkpoints that stay sound
// for the store, and facts that stay sound for the log. The answer is a status, or a state that
// goes on, is written again, and is read again.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "partition/apply/apply.h"
#include "tests/partition/fact_program.h"
#include "tests/partition/recovery_case.h"

namespace ingot::partition {
namespace {

using storage::EntryTable;

// What a partition has on its disk: a checkpoint, and the facts behind it.
struct Written {
  StoreContents contents;
  std::vector<std::string> tail;
};

Written written_by(std::uint64_t seed) {
  FactProgram program(seed);
  PartitionState state(kRecovered, kRecoveredOf);
  const auto store = storage::make_memory_store();
  Effects effects;
  const auto work = [&](int facts, std::vector<std::string>* kept) {
    for (int i = 0; i < facts; ++i) {
      const std::string fact = program.next(state);
      const Status applied = replay_fact(*store, state, state.applied.plus(1), fact, effects);
      EXPECT_TRUE(applied.ok()) << applied.to_string();
      if (kept != nullptr) kept->push_back(fact);
    }
  };
  Written written;
  for (int checkpoint = 0; checkpoint < 2; ++checkpoint) {
    work(100, nullptr);
    Cut cut(state);
    EXPECT_TRUE(cut.copy_some(1'000'000));
    EXPECT_TRUE(cut.write(*store).ok());
    static_cast<void>(state.finished.release());
  }
  written.contents = StoreContents::of(*store);
  work(40, &written.tail);
  return written;
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  void change(Written& written) {
    for (std::uint64_t left = 1 + random_.below(3); left != 0; --left) change_once(written);
  }

 private:
  void change_once(Written& written) {
    StoreContents& contents = written.contents;
    switch (random_.below(9)) {
      case 0:
        return change_row(contents);
      case 1:
        return bytes(contents.tables());
      case 2:
        return change_entry(contents);
      case 3:
        return add_entry(contents);
      case 4:
        if (!contents.entries.empty()) contents.entries.erase(any(contents.entries));
        return;
      case 5:
        return change_order(written.tail);
      default:
        if (!written.tail.empty()) bytes(written.tail[random_.below(written.tail.size())]);
    }
  }

  void change_row(StoreContents& contents) {
    if (contents.rows.empty()) return;
    const auto row = any(contents.rows);
    switch (random_.below(5)) {
      case 0:
        std::swap(row->second, any(contents.rows)->second);
        return;
      case 1:
        contents.rows.erase(row);
        return;
      case 2:  // under another number, perhaps one that is still to come
        contents.rows[row->first + random_.below(5)] = row->second;
        return;
      default:
        bytes(row->second);
    }
  }

  void change_entry(StoreContents& contents) {
    if (contents.entries.empty()) return;
    auto entry = contents.entries.extract(any(contents.entries));
    if (random_.one_in(3)) {
      bytes(entry.mapped());
    } else {
      bytes(entry.key().second);
    }
    contents.entries.insert(std::move(entry));
  }

  // Of numbers and ids that are in use, or soon will be.
  void add_entry(StoreContents& contents) {
    const SequenceNumber sequence(random_.below(60));
    const auto id = static_cast<std::int32_t>(random_.below(8)) - 2;
    const auto generation = static_cast<std::uint32_t>(random_.below(3));
    std::string task;
    switch (random_.below(3)) {
      case 0:
        contents.entries[{EntryTable::timers,
                          encode_timer_key({at_us(5), sequence, id, generation})}] = {};
        return;
      case 1:
        contents.entries[{EntryTable::work, encode_work_key(sequence)}] = {};
        return;
      default:
        encode_detached_task({"instance-1", {1, 2}, task_action(id)}, task);
        contents.entries[{EntryTable::detached, encode_task_key({sequence, generation, id})}] =
            task;
    }
  }

  void change_order(std::vector<std::string>& facts) {
    if (facts.empty()) return;
    const std::size_t at = random_.below(facts.size());
    switch (random_.below(3)) {
      case 0:
        std::swap(facts[at], facts[random_.below(facts.size())]);
        return;
      case 1:
        facts.erase(facts.begin() + static_cast<std::ptrdiff_t>(at));
        return;
      default:
        facts.push_back(facts[at]);
    }
  }

  void bytes(std::string& text) {
    const std::size_t at = random_.below(text.size() + 1);
    switch (random_.below(text.empty() ? 1 : 4)) {
      case 0:
        text.insert(at, 1, static_cast<char>(random_.next()));
        return;
      case 1:
        text.erase(std::min(at, text.size() - 1), 1 + random_.below(4));
        return;
      case 2:  // a small number, so that lengths and ids stay likely
        text[std::min(at, text.size() - 1)] = static_cast<char>(random_.below(8));
        return;
      default:
        text[std::min(at, text.size() - 1)] ^= static_cast<char>(1U << random_.below(8));
    }
  }

  template <typename Map>
  typename Map::iterator any(Map& map) {
    return std::next(map.begin(), static_cast<std::ptrdiff_t>(random_.below(map.size())));
  }

  Random random_;
};

Status recover(const storage::CheckpointStore& store, const std::vector<std::string>& tail,
               PartitionState& state) {
  if (Status loaded = load_checkpoint(store, state); !loaded.ok()) return loaded;
  Effects effects;
  for (const std::string& fact : tail) {
    const Status replayed = replay_fact(store, state, state.applied.plus(1), fact, effects);
    if (!replayed.ok()) return replayed;
  }
  return {};
}

// What the partition does next: every instance ends, and others are created.
Status go_on(PartitionState& state) {
  Effects effects;
  Status status;
  const auto record = [&](const FactBody& body) {
    if (!status.ok()) return;
    const std::string bytes = bytes_of(Fact{at_us(9'000'000), body});
    const Result<Fact> fact = decode_fact(bytes);
    ASSERT_TRUE(fact.ok()) << fact.status().to_string();
    status = apply(state, state.applied.plus(1), *fact, effects);
  };
  std::vector<SequenceNumber> live;
  state.instances.for_each([&](const Instance& instance) { live.push_back(instance.sequence); });
  std::sort(live.begin(), live.end());
  for (const SequenceNumber sequence : live) {
    const std::string event = raised_event("e");
    const Instance& instance = *state.instances.find(sequence);
    if (instance.entity != nullptr) {
      record(EntityStepCompleted{sequence, instance.inbox_count, StateChange::deleted, {}, {}});
      continue;
    }
    record(MessageDelivered{sequence, 0, event});
    StepCompleted step;
    step.sequence = sequence;
    step.generation = instance.generation;
    step.consumed = instance.inbox_count;
    const std::int32_t id = instance.next_action_id;
    const std::string actions = task_action(id) + complete_action(id + 1);
    step.actions = actions;
    record(step);
  }
  for (int i = 0; i < 3; ++i) {
    const std::string event = started_event("new-" + std::to_string(i));
    record(InstanceCreated{0, std::nullopt, {}, event});
  }
  return status;
}

TEST(RecoveryMutationsTest, WhateverIsThereIsRefusedOrGoesOn) {
  const char* chosen = std::getenv("INGOT_RECOVERY_SEED");
  const char* wanted = std::getenv("INGOT_RECOVERY_RUNS");
  const std::uint64_t first = chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : 1;
  const std::uint64_t runs = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 12;
  std::uint64_t refused = 0;
  std::uint64_t accepted = 0;
  std::uint64_t written_again = 0;
  for (std::uint64_t seed = first; seed < first + runs; ++seed) {
    const Written written = written_by(seed);
    Mutator mutator(seed);
    for (int i = 0; i < 400; ++i) {
      SCOPED_TRACE("INGOT_RECOVERY_SEED=" + std::to_string(seed) + " INGOT_RECOVERY_RUNS=1, case " +
                   std::to_string(i));
      Written changed = written;
      mutator.change(changed);
      const auto store = changed.contents.store();
      PartitionState state(kRecovered, kRecoveredOf);
      const Status recovered = recover(*store, changed.tail, state);
      if (!recovered.ok()) {
        ++refused;
        ASSERT_TRUE(recovered.code() == StatusCode::corrupt ||
                    recovered.code() == StatusCode::unsupported)
            << recovered.to_string();
        ASSERT_FALSE(recovered.message().empty());
        continue;
      }
      ++accepted;
      const Status went_on = go_on(state);
      if (HasFatalFailure()) return;
      if (!went_on.ok()) {
        ASSERT_EQ(went_on.code(), StatusCode::corrupt) << went_on.to_string();
        continue;  // the partition stops there, and writes no more
      }
      Cut cut(state);
      ASSERT_TRUE(cut.copy_some(1'000'000));
      ASSERT_TRUE(cut.write(*store).ok());
      PartitionState again(kRecovered, kRecoveredOf);
      const Status loaded = load_checkpoint(*store, again);
      ASSERT_TRUE(loaded.ok()) << loaded.to_string();
      ++written_again;
    }
  }
  std::printf("seeds %llu to %llu: %llu refused, %llu accepted\n",
              static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(first + runs - 1),
              static_cast<unsigned long long>(refused), static_cast<unsigned long long>(accepted));
  EXPECT_GT(refused, runs * 50);
  EXPECT_GT(accepted, runs * 50);
  EXPECT_GT(written_again, runs * 20);
}

TEST(RecoveryMutationsTest, WhatWasNotChangedIsTaken) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Written written = written_by(seed);
    PartitionState state(kRecovered, kRecoveredOf);
    const auto store = written.contents.store();
    const Status recovered = recover(*store, written.tail, state);
    ASSERT_TRUE(recovered.ok()) << recovered.to_string();
    const Status went_on = go_on(state);
    EXPECT_TRUE(went_on.ok()) << went_on.to_string();
  }
}

}  // namespace
}  // namespace ingot::partition
