// Operations of entities alone: a state and messages in, a state and messages out, no partition.

#include <benchmark/benchmark.h>

#include <charconv>
#include <string>

#include "core/entity_runner.h"
#include "core/history_codec.h"

namespace ingot {
namespace {

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string counter(EntityContext& context) {
  if (context.operation() == "get") return std::string(context.state().value_or("0"));
  if (context.operation() != "add") throw UnknownOperation(context.operation());
  char digits[20];
  const std::int64_t sum = number(context.state().value_or("0")) + number(context.input());
  const auto end = std::to_chars(digits, digits + sizeof digits, sum).ptr;
  context.set_state(std::string_view(digits, static_cast<std::size_t>(end - digits)));
  return {};
}

std::string operations(std::int64_t count, bool calls) {
  std::string bytes;
  for (std::int64_t i = 0; i < count; ++i) {
    HistoryEventView event;
    event.kind = calls ? HistoryEventKind::entity_operation_called
                       : HistoryEventKind::entity_operation_signaled;
    event.timestamp = Timestamp(Duration(1'700'000'000'000'000));
    event.name = "add";
    event.data = "1";
    event.has_data = true;
    event.instance_id = "01890a5d-ac96-774b-bcce-b302099a8057";
    event.execution_id = {1, 2};
    if (calls) event.scheduled_id = static_cast<std::int32_t>(i);
    encode_event(event, bytes);
  }
  return bytes;
}

void run(benchmark::State& state, bool calls) {
  const std::string bytes = operations(state.range(0), calls);
  const EntityFn function = counter;
  std::string sum = "0";
  EntityBatch batch;
  batch.entity_id = "@counter@one";
  batch.operations = bytes;
  for (auto _ : state) {
    batch.state = sum;
    EntityBatchResult result = run_entity_batch(&function, batch);
    benchmark::DoNotOptimize(result.actions);
    if (result.change == StateChange::set) sum = std::move(result.state);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// Nobody waits for the result.
void Signals(benchmark::State& state) { run(state, false); }
BENCHMARK(Signals)->Arg(1)->Arg(10)->Arg(1000);

// Each with an answer.
void Calls(benchmark::State& state) { run(state, true); }
BENCHMARK(Calls)->Arg(1)->Arg(10)->Arg(1000);

}  // namespace
}  // namespace ingot

BENCHMARK_MAIN();
