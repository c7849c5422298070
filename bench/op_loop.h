#pragma once

// OpLoop: a closed loop of numbered client operations (starts, events), `concurrency` in flight,
// for workloads whose unit is not a whole instance.
//
// Invariants:
//   - when it ends without a failure, exactly the operations 0 to issued() - 1 have succeeded;
//   - an operation that was answered `overloaded` is tried again a millisecond later, whatever else
//     happens; any other failure ends the loop.

#include <ingot/status.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "core/histogram.h"

namespace ingot::bench {

class OpLoop {
 public:
  using DoneFn = std::function<void(Status)>;
  // Begins the operation `number` and calls `done` once, on any thread, at any time.
  using IssueFn = std::function<void(std::uint64_t number, DoneFn done)>;

  OpLoop(std::uint32_t concurrency, std::uint64_t count, IssueFn issue);
  OpLoop(const OpLoop&) = delete;
  OpLoop& operator=(const OpLoop&) = delete;

  // Issues operations until `count` of them, or until `end`, and waits for those in flight; calls
  // `progress` every tenth of a second, unless empty. Returns the first failure. Once.
  Status run(std::chrono::steady_clock::time_point end,
             const std::function<void(std::uint64_t done)>& progress = {});

  [[nodiscard]] std::uint64_t issued() const;
  [[nodiscard]] const Histogram& latency_ns() const { return latency_ns_; }  // after run()

 private:
  struct Lane {
    OpLoop* loop = nullptr;
    std::uint64_t number = 0;
    std::chrono::steady_clock::time_point start;
  };

  void next(Lane& lane, std::chrono::steady_clock::time_point now);
  void issue(Lane& lane);
  void on_done(Lane& lane, Status status);
  void retire();

  const std::uint64_t count_;
  const IssueFn issue_;
  std::vector<Lane> lanes_;
  std::atomic<std::uint64_t> next_ = 0;
  std::atomic<std::uint64_t> done_ = 0;
  std::atomic<bool> stop_ = false;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::size_t active_ = 0;
  std::vector<Lane*> overloaded_;
  Status failure_;
  Histogram latency_ns_;
};

}  // namespace ingot::bench
