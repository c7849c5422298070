// How long a page of 100 takes of a store of finished records: by prefix in both directions, and in
// the order of completion; warm (the same page again) and all over the store (another prefix each
// time). Ids are time-ordered or random: a page of the latter lies in 100 packs. An iteration is
// a page. INGOT_BENCH_RECORDS gives the number of records; the default is small, for ctest.

#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include "bench/temporary_folder.h"
#include "core/random.h"
#include "storage/checkpoint_store.h"

namespace {

using ingot::Position;
using ingot::Random;
using namespace ingot::storage;

constexpr std::size_t kPage = 100;
constexpr std::uint64_t kCheckpoint = 50'000;

class Filled {
 public:
  explicit Filled(bool ordered) : ordered_(ordered) {
    if (const char* text = ::getenv("INGOT_BENCH_RECORDS")) records_ = std::stoull(text);
    LmdbStoreOptions options;
    options.directory = folder_.path();
    auto opened = open_lmdb_store(options);
    if (!opened.ok()) return;
    store_ = *std::move(opened);
    // Looks like a history: names and numbers that compress about four to one.
    std::string text;
    for (int i = 0; i < 2000; ++i) {
      text += "{\"event\":\"TaskCompleted\",\"id\":" + std::to_string(random_.below(100'000)) +
              ",\"result\":\"" + std::to_string(random_.next()) + "\"}";
    }
    constexpr std::size_t kRecordBytes = 350;
    for (std::uint64_t i = 0; i < records_;) {
      auto checkpoint = store_->begin();
      if (!checkpoint.ok()) return;
      do {
        const std::size_t start = random_.below(text.size() - kRecordBytes);
        (*checkpoint)->put_record(id(i), std::string_view(text).substr(start, kRecordBytes));
      } while (++i < records_ && i % kCheckpoint != 0);
      if (!(*checkpoint)->commit(Position(i)).ok()) return;
    }
    ok_ = true;
  }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] const CheckpointStore& store() const { return *store_; }
  // Erases all but every `kept`-th record.
  bool purge(std::uint64_t kept) {
    for (std::uint64_t i = 0; i < records_;) {
      auto checkpoint = store_->begin();
      if (!checkpoint.ok()) return false;
      do {
        if (i % kept != 0) (*checkpoint)->erase_id(id(i));
      } while (++i < records_ && i % kCheckpoint != 0);
      if (!(*checkpoint)->commit(Position(i)).ok()) return false;
    }
    return true;
  }
  // One that about 200 ids have.
  std::string prefix() {
    const std::string some = id(random_.below(records_));
    if (ordered_) return some.substr(0, some.size() - 2);
    std::size_t digits = 0;
    for (std::uint64_t left = records_; left > 200; left /= 16) ++digits;
    return some.substr(0, std::max<std::size_t>(digits, 1) - (digits > 1 ? 1 : 0));
  }
  [[nodiscard]] std::string id(std::uint64_t n) const {
    char text[40];
    const std::uint64_t number = ordered_ ? n : Random(n).next();
    std::snprintf(text, sizeof text, "%016llx-instance", static_cast<unsigned long long>(number));
    return text;
  }

 private:
  bool ordered_;
  bool ok_ = false;
  std::uint64_t records_ = 20'000;
  ingot::bench::TemporaryFolder folder_;
  std::unique_ptr<CheckpointStore> store_;
  Random random_{42};
};

void page(benchmark::State& state, Filled& filled, const std::string& prefix, ScanOrder order) {
  const auto found = filled.store().scan(prefix, {}, kPage, order);
  if (!found.ok() || found->empty()) state.SkipWithError("no page");
}

void same_page(benchmark::State& state, bool ordered, ScanOrder order) {
  Filled filled(ordered);
  if (!filled.ok()) return state.SkipWithError("no store");
  const std::string prefix = filled.prefix();
  page(state, filled, prefix, order);
  for (auto _ : state) page(state, filled, prefix, order);
}
void same_page_ordered(benchmark::State& state) { same_page(state, true, ScanOrder::ascending); }
BENCHMARK(same_page_ordered)->Unit(benchmark::kMicrosecond);
void same_page_ordered_down(benchmark::State& state) {
  same_page(state, true, ScanOrder::descending);
}
BENCHMARK(same_page_ordered_down)->Unit(benchmark::kMicrosecond);
void same_page_random(benchmark::State& state) { same_page(state, false, ScanOrder::ascending); }
BENCHMARK(same_page_random)->Unit(benchmark::kMicrosecond);

void any_page(benchmark::State& state, bool ordered) {
  Filled filled(ordered);
  if (!filled.ok()) return state.SkipWithError("no store");
  for (auto _ : state) page(state, filled, filled.prefix(), ScanOrder::ascending);
}
void any_page_ordered(benchmark::State& state) { any_page(state, true); }
BENCHMARK(any_page_ordered)->Unit(benchmark::kMicrosecond);
void any_page_random(benchmark::State& state) { any_page(state, false); }
BENCHMARK(any_page_random)->Unit(benchmark::kMicrosecond);

// The page that begins with the first id that is left when all but one in 1,000 are purged.
void page_after_purge(benchmark::State& state) {
  Filled filled(/*ordered=*/true);
  if (!filled.ok() || !filled.purge(1000)) return state.SkipWithError("no store");
  for (auto _ : state) page(state, filled, {}, ScanOrder::ascending);
}
BENCHMARK(page_after_purge)->Unit(benchmark::kMicrosecond);

// Pages one after the other, from the first record to the last.
void completion_order(benchmark::State& state, ScanOrder order) {
  Filled filled(/*ordered=*/false);
  if (!filled.ok()) return state.SkipWithError("no store");
  const RecordCursor start =
      order == ScanOrder::ascending ? RecordCursor::begin() : RecordCursor::end();
  RecordCursor from = start;
  for (auto _ : state) {
    const auto found = filled.store().scan_records(from, kPage, order);
    if (!found.ok()) return state.SkipWithError("no page");
    from = found->size() < kPage ? start : found->back().next;
  }
}
void completion_ascending(benchmark::State& state) {
  completion_order(state, ScanOrder::ascending);
}
BENCHMARK(completion_ascending)->Unit(benchmark::kMicrosecond);
void completion_descending(benchmark::State& state) {
  completion_order(state, ScanOrder::descending);
}
BENCHMARK(completion_descending)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
