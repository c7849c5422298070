// Appending facts to the commit log: what it costs the shard's thread, and what a write costs.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "bench/temporary_folder.h"
#include "commit-log/commit_log.h"
#include "commit-log/io.h"
#include "core/random.h"

namespace ingot {
namespace {

// A log in a temporary folder. `io` and `log` are null when it can't be had.
class TemporaryLog {
  bench::TemporaryFolder folder_;  // goes last

 public:
  explicit TemporaryLog(log::IoBackend backend) {
    auto made = log::make_io(backend, folder_.path());
    if (!made.ok()) return;
    io = *std::move(made);
    log::CommitLogOptions options;
    options.directory = folder_.path();
    options.hub_id = 1;
    options.epoch = 1;
    options.segment_bytes = 16U << 20;
    auto opened = log::CommitLog::open(*io, options, Position(0),
                                       [](Position, std::string_view) { return Status(); });
    if (opened.ok()) log = *std::move(opened);
  }

  // Writes the batch and waits until it is durable; false when that fails.
  bool write() {
    if (!log->has_room(0) && !log->make_room().ok()) return false;
    if (!log->flush(0).ok()) return false;
    while (log->write_in_flight()) {
      completions_.clear();
      io->wait(std::chrono::seconds(1), completions_);
      for (const log::WriteCompletion& completion : completions_) {
        if (!log->on_write(completion.status).ok()) return false;
      }
    }
    return log->trim(log->durable_position()).ok();
  }

  std::unique_ptr<log::Io> io;
  std::unique_ptr<log::CommitLog> log;

 private:
  std::vector<log::WriteCompletion> completions_;
};

std::string random_fact(std::size_t bytes) {
  Random random(1);
  std::string fact(bytes, '\0');
  for (char& c : fact) c = static_cast<char>(random.next());
  return fact;
}

// One fact of range(0) bytes, into batches of at most 1 MiB; the writes are not counted.
void append_fact(benchmark::State& state) {
  TemporaryLog target(log::IoBackend::automatic);
  if (target.log == nullptr) return state.SkipWithError("no log");
  const std::string fact = random_fact(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    if (target.log->batch_bytes() + fact.size() + 16 > 1U << 20) {
      state.PauseTiming();
      if (!target.write()) return state.SkipWithError("the write failed");
      state.ResumeTiming();
    }
    benchmark::DoNotOptimize(target.log->append(fact));
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(append_fact)->Arg(64)->Arg(512);

// A batch of range(0) bytes, from its framing to its durability, on the backend range(1).
void durable_write(benchmark::State& state) {
  TemporaryLog target(static_cast<log::IoBackend>(state.range(1)));
  if (target.log == nullptr) return state.SkipWithError("no log");
  const std::string fact = random_fact(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    target.log->append(fact);
    if (!target.write()) return state.SkipWithError("the write failed");
  }
  state.SetLabel(std::string(target.io->name()));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(durable_write)
    ->ArgsProduct({{512, 65536, 1 << 20},
                   {static_cast<int>(log::IoBackend::uring),
                    static_cast<int>(log::IoBackend::pwritev2)}})
    ->UseRealTime();

}  // namespace
}  // namespace ingot

BENCHMARK_MAIN();
