// waiting: many instances that wait for an event, and the memory that they take.
//
// Afterwards a sample of them is woken, wherever it is, and must give the data of its event.

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "bench/op_loop.h"
#include "bench/orchestrators.h"
#include "bench/progress.h"
#include "bench/session.h"
#include "bench/workload.h"
#include "core/random.h"
#include "core/try.h"

namespace ingot::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t kSample = 1000;

// The id of instance `number`: computed, for a million strings would be most of the memory.
std::string id_of(std::uint64_t number, bool random) {
  if (random) number = Random(number).next();
  return fmt::format("waiting-{:016x}", number);
}

class Waiting {
 public:
  Waiting(const BenchOptions& options, Session& session, Report& report)
      : options_(options), client_(session.client()), session_(session), report_(report) {}

  Status start_all() {
    Progress progress("waiting");
    OpLoop loop(options_.concurrency, options_.count,
                [this](std::uint64_t number, const OpLoop::DoneFn& done) {
                  StartOptions start;
                  start.instance_id = id_of(number, options_.random_ids);
                  start.has_input = false;
                  client_.schedule_new_orchestration_async(
                      "waiting", std::move(start),
                      [done](const Result<std::string>& id) { done(id.status()); });
                });
    INGOT_TRY(loop.run(SteadyClock::time_point::max(), [&](std::uint64_t done) {
      progress.draw(static_cast<double>(done) / static_cast<double>(options_.count),
                    with_commas(done) + " started");
    }));
    report_.completed = loop.issued();
    report_.latency_ns = loop.latency_ns();
    return {};
  }

  void count_live() {
    std::uint64_t live = 0;
    std::uint64_t resident = 0;
    for (const PartitionMetrics& partition : session_.hub().metrics().partitions) {
      live += partition.instances_live;
      resident += partition.instances_resident;
    }
    if (live != options_.count) {
      report_.add_error(
          fmt::format("{} instances are live, {} were started", live, options_.count));
    }
    report_.extra.emplace_back("instances_live", static_cast<double>(live));
    report_.extra.emplace_back("instances_resident", static_cast<double>(resident));
  }

  Status wake_sample() {
    const std::uint64_t sample = std::min(kSample, options_.count);
    const std::uint64_t stride = std::max<std::uint64_t>(1, options_.count / kSample);
    std::atomic<std::uint64_t> verified = 0;
    OpLoop loop(std::min(options_.concurrency, 100U), sample,
                [&, this](std::uint64_t number, const OpLoop::DoneFn& done) {
                  const std::string id = id_of(number * stride, options_.random_ids);
                  client_.raise_event_async(id, "go", id, [&, this, id, done](Status status) {
                    if (!status.ok()) return done(std::move(status));
                    wait_for(id, verified, done);
                  });
                });
    INGOT_TRY(loop.run(SteadyClock::time_point::max()));
    report_.verified_outputs += verified;
    report_.extra.emplace_back("woken", static_cast<double>(sample));
    report_.extra.emplace_back("wake_us_p99",
                               static_cast<double>(loop.latency_ns().quantile(0.99)) / 1000);
    return {};
  }

 private:
  void wait_for(const std::string& id, std::atomic<std::uint64_t>& verified,
                const OpLoop::DoneFn& done) {
    client_.wait_for_completion_async(
        id, [&verified, id, done](const Result<InstanceState>& state) {
          if (!state.ok()) return done(state.status());
          std::string wrong = verify(*state, id);
          if (!wrong.empty()) return done(Status(StatusCode::internal, std::move(wrong)));
          ++verified;
          done({});
        });
  }

  const BenchOptions& options_;
  Client& client_;
  Session& session_;
  Report& report_;
};

Status run(const BenchOptions& options, Report& report) {
  INGOT_ASSIGN(const std::unique_ptr<Session> session,
               Session::open(options, hub_options(options), report));
  Waiting waiting(options, *session, report);
  session->begin();
  INGOT_TRY(waiting.start_all());
  session->end();
  report.extra.emplace_back("rss_bytes_after_starts", static_cast<double>(process_rss_bytes()));
  waiting.count_live();
  INGOT_TRY(waiting.wake_sample());
  session->close();
  return {};
}

}  // namespace

Workload waiting_workload() {
  return {"waiting", "Many instances that wait for an event, and the memory that they take.",
          kTakesHub | kTakesConcurrency | kTakesIdOrder | kTakesCount,
          [](BenchOptions& options) { options.count = 1'000'000; }, run};
}

}  // namespace ingot::bench
