// Recovery of one partition from a log on disk and an empty checkpoint: reading, checking, decoding
// and applying. Items are facts.

#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include "bench/hello_facts.h"
#include "bench/temporary_folder.h"
#include "commit-log/commit_log.h"
#include "commit-log/io.h"
#include "core/clock.h"
#include "partition/recovery/recover.h"

namespace ingot {
namespace {

constexpr std::uint64_t kHubId = 7;

// A partition's folder with `facts` in its log.
class Folder {
  bench::TemporaryFolder folder_;  // goes last

 public:
  explicit Folder(const bench::HelloFacts& facts) {
    std::error_code failed;
    std::filesystem::create_directories(parts().log, failed);
    if (!failed) std::filesystem::create_directories(parts().checkpoint, failed);
    if (failed) return;
    auto made = log::make_io(log::IoBackend::automatic, folder_.path());
    if (!made.ok()) return;
    io = *std::move(made);
    log::CommitLogOptions options;
    options.directory = parts().log;
    options.hub_id = kHubId;
    options.epoch = 1;
    auto opened = log::CommitLog::open(*io, options, Position(0),
                                       [](Position, std::string_view) { return Status(); });
    if (!opened.ok()) return;
    ok_ = true;
    facts.for_each([&](std::string_view fact) {
      (*opened)->append(fact);
      if ((*opened)->batch_bytes() >= 1U << 20) write(**opened);
    });
    write(**opened);
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] partition::PartitionFolder parts() const {
    return {folder_.path() + "/log", folder_.path() + "/checkpoint"};
  }

  std::unique_ptr<log::Io> io;

 private:
  void write(log::CommitLog& log) {
    if (!log.has_room(0)) ok_ = ok_ && log.make_room().ok();
    ok_ = ok_ && log.flush(0).ok();
    while (ok_ && log.write_in_flight()) {
      std::vector<log::WriteCompletion> completions;
      io->wait(std::chrono::seconds(1), completions);
      for (const auto& completion : completions) ok_ = ok_ && log.on_write(completion.status).ok();
    }
  }

  bool ok_ = false;
};

void recovery_replay(benchmark::State& state) {
  const bench::HelloFacts facts(static_cast<std::uint64_t>(state.range(0)), 1000);
  const Folder folder(facts);
  if (!folder.ok()) return state.SkipWithError("no log");
  const SystemClock clock;
  double replay_seconds = 0;
  for (auto _ : state) {
    partition::RecoveryPlan plan;
    plan.folder = folder.parts();
    plan.hub_id = kHubId;
    plan.epoch = 2 + static_cast<std::uint64_t>(state.iterations());
    const auto recovered = partition::recover(*folder.io, HubOptions{}, clock, plan);
    if (!recovered.ok()) return state.SkipWithError(recovered.status().to_string().c_str());
    if (recovered->figures.facts != facts.count()) return state.SkipWithError("facts are missing");
    replay_seconds += recovered->figures.seconds;
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(facts.count()));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(facts.bytes()));
  state.counters["replay_s"] = replay_seconds / static_cast<double>(state.iterations());
}
BENCHMARK(recovery_replay)->Arg(10'000)->Arg(50'000)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace ingot

BENCHMARK_MAIN();
