// The cost of history events as bytes.

#include <benchmark/benchmark.h>

#include <string>

#include "core/history_codec.h"

namespace ingot {
namespace {

HistoryEventView scheduled(std::string_view input) {
  HistoryEventView event;
  event.kind = HistoryEventKind::task_scheduled;
  event.event_id = 3;
  event.timestamp = Timestamp(Duration(1'700'000'000'000'000));
  event.name = "say_hello";
  event.data = input;
  event.has_data = true;
  return event;
}

void EncodeEvent(benchmark::State& state) {
  const std::string input(static_cast<std::size_t>(state.range(0)), 'x');
  const HistoryEventView event = scheduled(input);
  std::string out;
  for (auto _ : state) {
    if (out.size() > (1U << 20)) out.clear();
    encode_event(event, out);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(EncodeEvent)->Arg(10)->Arg(300);

template <bool kTrusted>
void DecodeEvent(benchmark::State& state) {
  const std::string input(static_cast<std::size_t>(state.range(0)), 'x');
  std::string bytes;
  encode_event(scheduled(input), bytes);
  for (auto _ : state) {
    Reader reader(bytes);
    HistoryEventView event = kTrusted ? decode_trusted_event(reader) : decode_event(reader);
    benchmark::DoNotOptimize(event);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(DecodeEvent<true>)->Name("DecodeTrustedEvent")->Arg(10)->Arg(300);
BENCHMARK(DecodeEvent<false>)->Name("DecodeEvent")->Arg(10)->Arg(300);

}  // namespace
}  // namespace ingot

BENCHMARK_MAIN();
