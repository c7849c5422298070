#include "bench/op_loop.h"

#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <string>
#include <thread>

#include "core/random.h"

namespace ingot::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Answers operations from a thread of its own, in random order; one in `overloads` is refused.
class Server {
 public:
  explicit Server(std::uint64_t overloads) : overloads_(overloads), thread_([this] { run(); }) {}
  ~Server() {
    {
      const std::scoped_lock lock(mutex_);
      stop_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void take(std::uint64_t number, OpLoop::DoneFn done) {
    const std::scoped_lock lock(mutex_);
    waiting_.emplace_back(number, std::move(done));
    in_flight_max_ = std::max(in_flight_max_, waiting_.size());
    changed_.notify_one();
  }
  void fail_at(std::uint64_t number) { fail_at_ = number; }

  std::multiset<std::uint64_t> succeeded() {
    const std::scoped_lock lock(mutex_);
    return succeeded_;
  }
  std::size_t in_flight_max() const { return in_flight_max_; }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const std::size_t chosen = random_.below(waiting_.size());
      std::swap(waiting_[chosen], waiting_.back());
      auto [number, done] = std::move(waiting_.back());
      waiting_.pop_back();
      Status status;
      if (number == fail_at_) {
        status = Status(StatusCode::unavailable, "failed as asked");
      } else if (overloads_ != 0 && random_.one_in(overloads_)) {
        status = Status(StatusCode::overloaded, "full");
      } else {
        succeeded_.insert(number);
      }
      lock.unlock();
      done(std::move(status));
      lock.lock();
    }
  }

  const std::uint64_t overloads_;
  std::uint64_t fail_at_ = UINT64_MAX;
  Random random_{1};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<std::uint64_t, OpLoop::DoneFn>> waiting_;
  std::multiset<std::uint64_t> succeeded_;
  std::size_t in_flight_max_ = 0;
  bool stop_ = false;
  std::thread thread_;
};

bool is_dense(const std::multiset<std::uint64_t>& numbers) {
  std::uint64_t expected = 0;
  for (const std::uint64_t number : numbers) {
    if (number != expected++) return false;
  }
  return true;
}

TEST(OpLoop, EachOperationSucceedsOnce) {
  Server server(0);
  OpLoop loop(10, 5000,
              [&](std::uint64_t n, OpLoop::DoneFn done) { server.take(n, std::move(done)); });
  EXPECT_TRUE(loop.run(SteadyClock::time_point::max()).ok());
  EXPECT_EQ(loop.issued(), 5000U);
  EXPECT_EQ(server.succeeded().size(), 5000U);
  EXPECT_TRUE(is_dense(server.succeeded()));
  EXPECT_LE(server.in_flight_max(), 10U);
  EXPECT_EQ(loop.latency_ns().count(), 5000U);
}

TEST(OpLoop, OverloadedOperationsAreTriedAgain) {
  Server server(10);
  OpLoop loop(20, 2000,
              [&](std::uint64_t n, OpLoop::DoneFn done) { server.take(n, std::move(done)); });
  EXPECT_TRUE(loop.run(SteadyClock::time_point::max()).ok());
  EXPECT_EQ(server.succeeded().size(), 2000U);
  EXPECT_TRUE(is_dense(server.succeeded()));
}

TEST(OpLoop, StopsAtTheEndOfItsTimeWithoutAGap) {
  Server server(50);
  OpLoop loop(20, UINT64_MAX,
              [&](std::uint64_t n, OpLoop::DoneFn done) { server.take(n, std::move(done)); });
  EXPECT_TRUE(loop.run(SteadyClock::now() + std::chrono::milliseconds(50)).ok());
  EXPECT_EQ(server.succeeded().size(), loop.issued());
  EXPECT_TRUE(is_dense(server.succeeded()));
}

TEST(OpLoop, AFailureEndsItAndIsReturned) {
  Server server(0);
  server.fail_at(100);
  OpLoop loop(5, 1'000'000'000,
              [&](std::uint64_t n, OpLoop::DoneFn done) { server.take(n, std::move(done)); });
  const Status status = loop.run(SteadyClock::time_point::max());
  EXPECT_EQ(status.code(), StatusCode::unavailable);
  EXPECT_LT(loop.issued(), 1'000'000'000U);
}

TEST(OpLoop, MoreLanesThanOperations) {
  Server server(0);
  OpLoop loop(100, 3,
              [&](std::uint64_t n, OpLoop::DoneFn done) { server.take(n, std::move(done)); });
  EXPECT_TRUE(loop.run(SteadyClock::time_point::max()).ok());
  EXPECT_EQ(server.succeeded().size(), 3U);
}

}  // namespace
}  // namespace ingot::bench
