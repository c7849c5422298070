// counter: signals of clients to counters, which are entities.
//
// The unit is the signal: `completed` counts those that were acknowledged as durable, the latency
// is that of one from sending to acknowledgement. At the end each counter is read, behind all
// signals, and must have what was acknowledged.

#include "bench/count.h"
#include "bench/op_loop.h"
#include "bench/progress.h"
#include "bench/session.h"
#include "bench/workload.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

class Counters {
 public:
  Counters(const BenchOptions& options, Client& client)
      : options_(options), client_(client), added_(options.entities) {
    for (std::uint64_t key = 0; key < options.entities; ++key) {
      ids_.emplace_back("counter", std::to_string(key));
    }
  }

  // Signals for so long; how many.
  Result<std::uint64_t> run(double seconds, Histogram* latency_ns) {
    const auto begin = SteadyClock::now();
    const auto end = begin + std::chrono::duration_cast<SteadyClock::duration>(
                                 std::chrono::duration<double>(seconds));
    OpLoop loop(
        options_.concurrency, UINT64_MAX, [this](std::uint64_t number, OpLoop::DoneFn done) {
          client_.signal_entity_async(ids_[number % ids_.size()], "add", "1", {}, std::move(done));
        });
    INGOT_TRY(loop.run(end, [&](std::uint64_t done) {
      const std::chrono::duration<double> passed = SteadyClock::now() - begin;
      progress_.draw(passed.count() / seconds, with_commas(done) + " signals");
    }));
    for (std::size_t key = 0; key < ids_.size(); ++key) {
      added_[key] += loop.issued() / ids_.size() + (key < loop.issued() % ids_.size() ? 1 : 0);
    }
    if (latency_ns != nullptr) latency_ns->merge(loop.latency_ns());
    return loop.issued();
  }

  Status verify(Report& report) { return verify_counters(client_, added_, report); }

 private:
  const BenchOptions& options_;
  Client& client_;
  std::vector<EntityId> ids_;
  std::vector<std::uint64_t> added_;  // to each
  Progress progress_{"counter"};
};

Status run(const BenchOptions& options, Report& report) {
  INGOT_ASSIGN(const std::unique_ptr<Session> session,
               Session::open(options, hub_options(options), report));
  report.unit = "signals";
  Counters counters(options, session->client());
  if (options.warmup > 0) {
    INGOT_ASSIGN([[maybe_unused]] const std::uint64_t ignored,
                 counters.run(options.warmup, nullptr));
  }
  session->begin();
  INGOT_ASSIGN(report.completed, counters.run(options.seconds, &report.latency_ns));
  session->end();
  INGOT_TRY(counters.verify(report));
  session->close();
  return {};
}

}  // namespace

Workload counter_workload() {
  return {"counter", "Signals to one entity, or to many.",
          kTakesHub | kTakesConcurrency | kTakesSeconds | kTakesEntities,
          [](BenchOptions& options) { options.concurrency = 5000; }, run};
}

}  // namespace ingot::bench
