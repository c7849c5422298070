// How fast one thread writes checkpoints to the LMDB store: records with time-ordered and with
// random ids, rows, erasing records, and how long the question "may this id exist?" takes of a
// store so filled. An iteration is one checkpoint; items are records or rows.

#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/temporary_folder.h"
#include "core/random.h"
#include "storage/checkpoint_store.h"

namespace {

using ingot::Position;
using ingot::Random;
using ingot::SequenceNumber;
using ingot::storage::CheckpointStore;

class Fixture {
 public:
  Fixture() {
    ingot::storage::LmdbStoreOptions options;
    options.directory = folder_.path();
    auto opened = ingot::storage::open_lmdb_store(options);
    if (opened.ok()) store_ = *std::move(opened);
    // Looks like a history: names and numbers that compress about four to one.
    for (int i = 0; i < 2000; ++i) {
      text_ += "{\"event\":\"TaskCompleted\",\"id\":" + std::to_string(random_.below(100000)) +
               ",\"result\":\"" + std::to_string(random_.next()) + "\"}";
    }
  }
  [[nodiscard]] CheckpointStore* store() { return store_.get(); }
  std::string_view record() {
    constexpr std::size_t kBytes = 350;
    return std::string_view(text_).substr(random_.below(text_.size() - kBytes), kBytes);
  }
  std::string_view id(bool ordered) {
    const std::uint64_t number = ordered ? ++next_ : random_.next();
    std::snprintf(id_, sizeof id_, "%016llx-instance-%04x", static_cast<unsigned long long>(number),
                  static_cast<unsigned>(number * 31) & 0xFFFFU);
    return id_;
  }
  std::uint64_t sequence() { return ++next_; }
  void shuffle(std::vector<std::string>& ids) {
    for (std::size_t i = ids.size(); i > 1; --i) std::swap(ids[i - 1], ids[random_.below(i)]);
  }

 private:
  ingot::bench::TemporaryFolder folder_;
  std::unique_ptr<CheckpointStore> store_;
  std::string text_;
  Random random_{42};
  std::uint64_t next_ = 0;
  char id_[64] = {};
};

void put_records(benchmark::State& state, bool ordered) {
  Fixture fixture;
  const auto records = static_cast<std::uint64_t>(state.range(0));
  std::uint64_t position = 0;
  for (auto _ : state) {
    auto checkpoint = fixture.store()->begin();
    for (std::uint64_t i = 0; i < records; ++i) {
      (*checkpoint)->put_record(fixture.id(ordered), fixture.record());
    }
    if (!(*checkpoint)->commit(Position(++position)).ok()) state.SkipWithError("commit failed");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["file_mb"] = static_cast<double>(fixture.store()->counters().file_bytes >> 20);
}

void put_record_ordered(benchmark::State& state) { put_records(state, true); }
BENCHMARK(put_record_ordered)->Arg(100'000)->Unit(benchmark::kMillisecond)->UseRealTime();

void put_record_random(benchmark::State& state) { put_records(state, false); }
BENCHMARK(put_record_random)->Arg(100'000)->Unit(benchmark::kMillisecond)->UseRealTime();

void put_row(benchmark::State& state) {
  Fixture fixture;
  std::uint64_t position = 0;
  for (auto _ : state) {
    auto checkpoint = fixture.store()->begin();
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      const std::uint64_t sequence = fixture.sequence();
      (*checkpoint)->put_row(SequenceNumber(sequence), fixture.record());
      (*checkpoint)->put_id(fixture.id(true), SequenceNumber(sequence));
    }
    if (!(*checkpoint)->commit(Position(++position)).ok()) state.SkipWithError("commit failed");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(put_row)->Arg(100'000)->Unit(benchmark::kMillisecond)->UseRealTime();

// Purging: an iteration fills a store with records and erases them all, in checkpoints of 50,000
// ids, in the order they came or shuffled; only the erasing is timed.
void erase_records(benchmark::State& state, bool ordered) {
  constexpr std::uint64_t kBatch = 50'000;
  const auto records = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    auto fixture = std::make_unique<Fixture>();
    std::vector<std::string> ids(records);
    for (std::string& id : ids) id = fixture->id(ordered);
    std::uint64_t position = 0;
    const auto commit = [&](auto& checkpoint) {
      if (!checkpoint->commit(Position(++position)).ok()) state.SkipWithError("commit failed");
    };
    for (std::size_t i = 0; i < records;) {
      auto checkpoint = *fixture->store()->begin();
      do checkpoint->put_record(ids[i], fixture->record());
      while (++i < records && i % kBatch != 0);
      commit(checkpoint);
    }
    if (!ordered) fixture->shuffle(ids);
    state.ResumeTiming();
    for (std::size_t i = 0; i < records;) {
      auto checkpoint = *fixture->store()->begin();
      do checkpoint->erase_id(ids[i]);
      while (++i < records && i % kBatch != 0);
      commit(checkpoint);
    }
    state.PauseTiming();
    if (fixture->store()->counters().ids != 0) state.SkipWithError("ids are left");
    state.counters["file_mb"] = static_cast<double>(fixture->store()->counters().file_bytes >> 20);
    fixture.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void erase_record_ordered(benchmark::State& state) { erase_records(state, true); }
BENCHMARK(erase_record_ordered)->Arg(20'000)->Unit(benchmark::kMillisecond)->Iterations(1);

void erase_record_random(benchmark::State& state) { erase_records(state, false); }
BENCHMARK(erase_record_random)->Arg(20'000)->Unit(benchmark::kMillisecond)->Iterations(1);

void may_contain_fresh(benchmark::State& state) {
  Fixture fixture;
  for (std::uint64_t round = 1; round <= 7; ++round) {
    auto checkpoint = fixture.store()->begin();
    for (int i = 0; i < 20'000; ++i) (*checkpoint)->put_record(fixture.id(false), "record");
    if (!(*checkpoint)->commit(Position(round)).ok()) state.SkipWithError("commit failed");
  }
  std::uint64_t maybe = 0;
  for (auto _ : state) maybe += fixture.store()->may_contain(fixture.id(false)) ? 1U : 0U;
  state.counters["maybe"] =
      benchmark::Counter(static_cast<double>(maybe), benchmark::Counter::kAvgIterations);
}
BENCHMARK(may_contain_fresh);

}  // namespace

BENCHMARK_MAIN();
