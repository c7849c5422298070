#include "bench/op_loop.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "bench/interrupt.h"

namespace ingot::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto kProgressInterval = std::chrono::milliseconds(100);
constexpr auto kRetryDelay = std::chrono::milliseconds(1);

}  // namespace

OpLoop::OpLoop(std::uint32_t concurrency, std::uint64_t count, IssueFn issue)
    : count_(count), issue_(std::move(issue)), lanes_(concurrency) {
  for (Lane& lane : lanes_) lane.loop = this;
}

std::uint64_t OpLoop::issued() const { return std::min(next_.load(), count_); }

Status OpLoop::run(SteadyClock::time_point end,
                   const std::function<void(std::uint64_t)>& progress) {
  active_ = lanes_.size();
  for (Lane& lane : lanes_) next(lane, SteadyClock::now());

  std::vector<Lane*> retrying;
  std::unique_lock lock(mutex_);
  while (active_ != 0) {
    const auto now = SteadyClock::now();
    if (now >= end || interrupted()) stop_ = true;
    const auto tick = stop_ ? now + kProgressInterval : std::min(end, now + kProgressInterval);
    changed_.wait_until(lock, tick, [this] { return active_ == 0 || !overloaded_.empty(); });
    retrying.swap(overloaded_);
    lock.unlock();
    if (!retrying.empty()) std::this_thread::sleep_for(kRetryDelay);
    for (Lane* lane : retrying) issue(*lane);
    retrying.clear();
    if (progress) progress(done_.load());
    lock.lock();
  }
  return failure_;
}

void OpLoop::next(Lane& lane, SteadyClock::time_point now) {
  std::uint64_t number = next_.load();
  do {
    if (number >= count_ || stop_) return retire();
  } while (!next_.compare_exchange_weak(number, number + 1));
  lane.number = number;
  lane.start = now;
  issue(lane);
}

void OpLoop::issue(Lane& lane) {
  issue_(lane.number, [&lane](Status status) { lane.loop->on_done(lane, std::move(status)); });
}

void OpLoop::on_done(Lane& lane, Status status) {
  if (status.ok()) {
    const auto now = SteadyClock::now();
    const std::chrono::nanoseconds took = now - lane.start;
    {
      const std::scoped_lock lock(mutex_);
      latency_ns_.record(static_cast<std::uint64_t>(took.count()));
    }
    done_.fetch_add(1);
    next(lane, now);
  } else if (status.code() == StatusCode::overloaded) {
    const std::scoped_lock lock(mutex_);
    overloaded_.push_back(&lane);
    changed_.notify_one();
  } else {
    {
      const std::scoped_lock lock(mutex_);
      if (failure_.ok()) failure_ = std::move(status);
    }
    stop_ = true;
    retire();
  }
}

void OpLoop::retire() {
  const std::scoped_lock lock(mutex_);
  --active_;
  changed_.notify_one();
}

}  // namespace ingot::bench
