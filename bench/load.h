#pragma once

// Load: a closed loop of `concurrency` lanes. Each lane runs one instance after the other: the
// callback that sees an instance complete checks its output and starts the next one, right there on
// the shard's thread, so that no thread of the benchmark's own stands between.
//
// Invariants:
//   - nothing hot is shared: counters, histogram, random numbers and ledger lines are per thread;
//   - a lane has one instance in flight or is retired, and only the callback of that instance
//     touches it;
//   - a start that was answered `overloaded` is tried again a millisecond later by run()'s thread,
//     with `wait_for_space` also one that was answered `disk_full`; any other failure is an error
//     of the report and retires the lane;
//   - an instance is counted in the phase in which its completion was seen.

#include <ingot/client.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/ledger.h"
#include "bench/options.h"
#include "bench/report.h"
#include "bench/session.h"
#include "core/random.h"

namespace ingot::bench {

struct Lane {
  class Load* load = nullptr;
  std::uint32_t index = 0;
  std::uint64_t serial = 0;  // of its instance, from 0
  std::uint64_t start_ns = 0;
  std::string text;  // the scenario's
};

// What the lanes run. Called on any shard's thread, at the same time for different lanes, but for
// begin() and finish(), which stand around the whole load.
class Scenario {
 public:
  virtual ~Scenario() = default;
  // Before the first instance.
  virtual void begin(Session& session) { static_cast<void>(session); }
  // The orchestrator of the lane's next instance; after prepare().
  [[nodiscard]] virtual std::string_view orchestrator(const Lane& lane) const = 0;
  // Sets the input of the lane's next instance.
  virtual void prepare(Lane& lane, StartOptions& start) = 0;
  // Empty when the instance did what it should, else what is wrong.
  [[nodiscard]] virtual std::string verify(const Lane& lane, const InstanceState& state) = 0;
  // After the last instance: checks what must be true then. What is not, is an error of the report;
  // a failure is what kept it from checking.
  [[nodiscard]] virtual Status finish(Session& session, Report& report) {
    static_cast<void>(session);
    static_cast<void>(report);
    return {};
  }
};

// A stream of random numbers that is the same whenever the lane's instance is looked at.
[[nodiscard]] inline Random random_of(const Lane& lane) {
  Random random((static_cast<std::uint64_t>(lane.index) << 40) + lane.serial);
  return Random(random.next());
}

class Load {
 public:
  // `session`, `scenario` and `ledger` (null: none) outlive the load; the load outlives the hub's
  // last callback.
  Load(const BenchOptions& options, Session& session, Scenario& scenario, Ledger* ledger,
       Report& report);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Warms up, runs for the measured time between session.begin() and session.end(), and lets what
  // is in flight finish.
  void run();
  // Puts counters and latencies into the report; after session.close().
  void collect();

 private:
  enum class Phase : int { warmup, measured, stopping };
  struct alignas(64) PerThread;
  struct Sample {
    double seconds = 0;           // since the measured time began
    std::uint64_t completed = 0;  // since then
  };

  void start(Lane& lane, std::uint64_t now_ns);
  void on_started(Lane& lane, const Result<std::string>& id);
  void on_completed(Lane& lane, const Result<InstanceState>& result);
  void retire();
  void fail(const Status& status);
  PerThread& per_thread();
  [[nodiscard]] Phase phase() const { return phase_.load(std::memory_order_relaxed); }

  // Of run()'s thread.
  void run_until(std::chrono::steady_clock::time_point end, class Progress& progress);
  void drain();
  void retry(std::chrono::steady_clock::time_point until);
  [[nodiscard]] std::uint64_t completed_so_far();
  [[nodiscard]] double rate_between(double from, double to) const;

  const BenchOptions& options_;
  Session& session_;
  Client& client_;
  Scenario& scenario_;
  Ledger* const ledger_;
  Report& report_;
  const std::uint64_t id_;  // of this load, to tell a thread's counters of another one

  std::vector<Lane> lanes_;
  std::atomic<Phase> phase_ = Phase::warmup;
  std::atomic<std::uint32_t> active_ = 0;  // lanes not retired

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<std::unique_ptr<PerThread>> threads_;
  std::vector<Lane*> overloaded_;
  std::vector<Lane*> retrying_;  // run()'s thread only
  std::uint64_t overloads_ = 0;
  std::uint64_t errors_ = 0;
  std::string first_error_;

  std::vector<Sample> samples_;
};

// A ledger when the options ask for one, else null.
[[nodiscard]] Result<std::unique_ptr<Ledger>> open_ledger(const BenchOptions& options);

// The whole of a workload that is one closed loop: opens the hub, runs the load and reports.
Status run_load(const BenchOptions& options, Scenario& scenario, Report& report);

}  // namespace ingot::bench
