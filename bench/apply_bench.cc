// The state machine: facts of HelloSequence, decoded and applied, with range(0) instances alive at
// a time. Items are facts.

#include <benchmark/benchmark.h>

#include "bench/hello_facts.h"
#include "partition/apply/apply.h"
#include "partition/state/partition_state.h"

namespace ingot {
namespace {

void apply_hello(benchmark::State& state) {
  const bench::HelloFacts facts(20'000, static_cast<std::uint64_t>(state.range(0)));
  for (auto _ : state) {
    partition::PartitionState machine(PartitionId(0), 1);
    Effects effects;
    bool ok = true;
    facts.for_each([&](std::string_view bytes) {
      const Result<Fact> fact = decode_fact(bytes);
      effects.clear();
      ok = ok && fact.ok() &&
           partition::apply(machine, machine.applied.plus(1), *fact, effects).ok();
    });
    if (!ok || machine.counters.finished != 20'000) return state.SkipWithError("wrong facts");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(facts.count()));
}
BENCHMARK(apply_hello)->Arg(1)->Arg(100)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ingot

BENCHMARK_MAIN();
