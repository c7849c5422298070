#include "tools/ingotd/http/figures.h"

namespace ingot::server {

Result<std::shared_ptr<const ServerSnapshot>> FigureCollector::take(Duration timeout) {
  std::unique_lock lock(mutex_);
  if (!thread_.joinable() && !stopping_) thread_ = std::thread([this] { run(); });
  // One that runs began before this call: the next one is ours, and everyone's who waits now.
  const std::uint64_t round = ++asked_;
  changed_.notify_all();
  const bool answered =
      changed_.wait_for(lock, timeout, [&] { return stopping_ || taken_ >= round; });
  if (stopping_) return Status(StatusCode::cancelled, "the server stops");
  if (!answered) return Status(StatusCode::timed_out, "a task hub does not give its figures");
  return latest_;
}

void FigureCollector::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void FigureCollector::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || asked_ > taken_; });
    if (stopping_) return;
    const std::uint64_t round = asked_;
    lock.unlock();
    auto snapshot = std::make_shared<ServerSnapshot>();
    for (const OpenHub& open : hubs_.all()) {
      snapshot->hubs.push_back(
          {open.name, open.hub->metrics(), open.hub->client().count_instances()});
    }
    snapshot->failures = hubs_.failures();
    lock.lock();
    taken_ = round;
    latest_ = std::move(snapshot);
    changed_.notify_all();
  }
}

}  // namespace ingot::server
