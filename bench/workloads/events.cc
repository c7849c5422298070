// events: external events into one instance, which adds them up; then into the next one.
//
// The unit is the event: `completed` counts events that were acknowledged as durable, the latency
// is that of one event from raising to acknowledgement, and the output of each instance proves that
// all of its events arrived once.

#include <algorithm>

#include "bench/interrupt.h"
#include "bench/op_loop.h"
#include "bench/orchestrators.h"
#include "bench/progress.h"
#include "bench/session.h"
#include "bench/workload.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto kEndTimeMax = std::chrono::seconds(120);
constexpr std::uint64_t kValues = 1000;  // event k carries k mod 1000

std::uint64_t value_of(std::uint64_t number) { return number % kValues; }

std::uint64_t sum_of_first(std::uint64_t count) {
  std::uint64_t sum = 0;
  for (std::uint64_t k = 0; k < count; ++k) sum += value_of(k);
  return sum;
}

class Events {
 public:
  Events(const BenchOptions& options, Session& session, Report& report)
      : options_(options), client_(session.client()), report_(report) {}

  // Instances one after the other, each with `--count` events, until `end`. Returns the number of
  // events acknowledged; their latencies go to `latency_ns` unless it is null.
  Result<std::uint64_t> run(SteadyClock::time_point end, Histogram* latency_ns) {
    std::uint64_t events = 0;
    do {
      INGOT_ASSIGN(const std::string id, client_.schedule_new_orchestration("events"));
      OpLoop loop(options_.concurrency, options_.count,
                  [this, &id](std::uint64_t number, OpLoop::DoneFn done) {
                    client_.raise_event_async(id, "value", std::to_string(value_of(number)),
                                              std::move(done));
                  });
      INGOT_TRY(loop.run(end, [&](std::uint64_t done) {
        progress_.draw(static_cast<double>(done) / static_cast<double>(options_.count),
                       with_commas(events + done) + " events");
      }));
      INGOT_TRY(finish(id, loop.issued()));
      events += loop.issued();
      if (latency_ns != nullptr) latency_ns->merge(loop.latency_ns());
    } while (SteadyClock::now() < end && !interrupted());
    return events;
  }

 private:
  // Every event was acknowledged, so that this one is the last.
  Status finish(const std::string& id, std::uint64_t count) {
    INGOT_TRY(client_.raise_event(id, "value", "end"));
    INGOT_ASSIGN(const InstanceState state, client_.wait_for_completion(id, kEndTimeMax));
    const std::string wrong = verify(state, events_output(count, sum_of_first(count)));
    if (wrong.empty()) {
      ++report_.verified_outputs;
    } else {
      report_.add_error(wrong);
    }
    return {};
  }

  const BenchOptions& options_;
  Client& client_;
  Report& report_;
  Progress progress_{"events"};
};

SteadyClock::time_point after(double seconds) {
  return SteadyClock::now() +
         std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(seconds));
}

Status run(const BenchOptions& options, Report& report) {
  INGOT_ASSIGN(const std::unique_ptr<Session> session,
               Session::open(options, hub_options(options), report));
  report.unit = "external_events";
  Events events(options, *session, report);
  if (options.warmup > 0) {
    INGOT_ASSIGN([[maybe_unused]] const std::uint64_t ignored,
                 events.run(after(options.warmup), nullptr));
  }
  session->begin();
  INGOT_ASSIGN(report.completed, events.run(after(options.seconds), &report.latency_ns));
  session->end();
  session->close();
  return {};
}

}  // namespace

Workload events_workload() {
  return {"events", "External events into one instance, one instance after the other.",
          kTakesHub | kTakesConcurrency | kTakesSeconds | kTakesCount,
          [](BenchOptions& options) {
            options.concurrency = 100;
            options.count = 20'000;
          },
          run};
}

}  // namespace ingot::bench
