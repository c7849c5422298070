// The programming model alone: events in, actions out, no log and no partition.

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "core/execution.h"
#include "core/history_codec.h"

namespace ingot {
namespace {

void put_start(std::string& out) {
  HistoryEventView event;
  event.timestamp = Timestamp(Duration(1'700'000'000'000'000));
  encode_event(event, out);
}

std::string first_step() {
  std::string events;
  put_start(events);
  HistoryEventView event;
  event.kind = HistoryEventKind::execution_started;
  event.name = "bench";
  event.instance_id = "01890a5d-ac96-774b-bcce-b302099a8057";
  event.execution_id = {1, 2};
  event.has_data = true;
  encode_event(event, events);
  return events;
}

std::string reply_step(std::int32_t id) {
  std::string events;
  put_start(events);
  HistoryEventView event;
  event.kind = HistoryEventKind::task_completed;
  event.scheduled_id = id;
  event.data = "Hello Tokyo!";
  event.has_data = true;
  encode_event(event, events);
  return events;
}

OrchestratorFn sequence(int activities) {
  return [activities](OrchestrationContext& context) -> Task<std::string> {
    for (int i = 0; i < activities; ++i) co_await context.call_activity("say_hello", "Tokyo");
    co_return "done";
  };
}

// One orchestration of n activities in sequence, a step for each.
void HelloSequence(benchmark::State& state) {
  const auto activities = static_cast<int>(state.range(0));
  const OrchestratorFn orchestrator = sequence(activities);
  std::vector<std::string> steps{first_step()};
  for (int i = 0; i < activities; ++i) steps.push_back(reply_step(i));
  std::string actions;
  for (auto _ : state) {
    actions.clear();
    Execution execution(orchestrator);
    for (const std::string& step : steps) execution.step(step, actions);
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["steps"] = benchmark::Counter(
      static_cast<double>(state.iterations()) * static_cast<double>(steps.size()),
      benchmark::Counter::kIsRate);
}
BENCHMARK(HelloSequence)->Arg(1)->Arg(3)->Arg(10);

// n activities at once, their replies one by one.
void FanOutFanIn(benchmark::State& state) {
  const auto activities = static_cast<int>(state.range(0));
  const OrchestratorFn orchestrator = [=](OrchestrationContext& context) -> Task<std::string> {
    std::vector<Future<std::string>> futures;
    for (int i = 0; i < activities; ++i) futures.push_back(context.call_activity("work", "x"));
    co_await context.when_all(std::move(futures));
    co_return "done";
  };
  std::vector<std::string> steps{first_step()};
  for (int i = 0; i < activities; ++i) steps.push_back(reply_step(i));
  std::string actions;
  for (auto _ : state) {
    actions.clear();
    Execution execution(orchestrator);
    for (const std::string& step : steps) execution.step(step, actions);
  }
  state.SetItemsProcessed(state.iterations() * activities);
}
BENCHMARK(FanOutFanIn)->Arg(100)->Arg(10'000);

// A history of n activities, three events each.
void Replay(benchmark::State& state) {
  const auto activities = static_cast<int>(state.range(0));
  const OrchestratorFn orchestrator = sequence(activities + 1);
  std::string history;
  Execution writer(orchestrator);
  for (int i = -1; i < activities; ++i) {
    const std::string events = i < 0 ? first_step() : reply_step(i);
    std::string actions;
    writer.step(events, actions);
    history += events + actions;
  }
  for (auto _ : state) {
    Execution execution(orchestrator);
    execution.replay(history);
    benchmark::DoNotOptimize(execution.memory_bytes());
  }
  state.SetItemsProcessed(state.iterations() * 3 * (activities + 1));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(history.size()));
}
BENCHMARK(Replay)->Arg(3)->Arg(100)->Arg(10'000);

}  // namespace
}  // namespace ingot

BENCHMARK_MAIN();
