#include "commit-log/segment_pool.h"

#include <utility>

#include "commit-log/segment_files.h"
#include "core/try.h"

namespace ingot::log {

SegmentPool::SegmentPool(Io& io, std::string directory, std::uint64_t segment_bytes,
                         std::uint32_t spares_max, std::vector<std::string> spares,
                         std::uint64_t next_number)
    : io_(io),
      directory_(std::move(directory)),
      segment_bytes_(segment_bytes),
      spares_max_(spares_max),
      background_(io.background()),
      ready_(spares.size()),
      spares_(std::move(spares)),
      next_number_(next_number) {}

SegmentPool::~SegmentPool() {
  creating_.store(false);
  if (thread_.joinable()) thread_.join();
}

void SegmentPool::start(std::unique_lock<std::mutex>& lock) {
  if (background_ == nullptr) {
    while (work(io_, lock)) {
    }
    return;
  }
  if (running_) return;
  running_ = true;
  lock.unlock();
  if (thread_.joinable()) thread_.join();  // it has ended or is about to
  thread_ = std::thread([this] { run(*background_); });
}

void SegmentPool::run(Io& io) {
  std::unique_lock lock(mutex_);
  while (work(io, lock)) {
    io_.wake();  // the owner may wait for just that
  }
  running_ = false;
  changed_.notify_all();
}

bool SegmentPool::work(Io& io, std::unique_lock<std::mutex>& lock) {
  if (!retired_.empty()) {
    const Retired retired = std::move(retired_.front());
    retired_.pop_front();
    if (!failure_.ok()) return true;
    Status status = retire_now(io, retired, lock);
    if (!status.ok()) failure_ = std::move(status);
    return true;
  }
  if (spares_.size() >= spares_max_) creating_.store(false);
  if (!creating_.load()) return false;
  std::string path = next_path();
  lock.unlock();
  Status status = io.create_zeroed(path, segment_bytes_);
  lock.lock();
  if (status.ok()) {
    add_spare(std::move(path));
  } else {
    creating_.store(false);
    creation_failure_ = std::move(status);
  }
  changed_.notify_all();
  return true;
}

Status SegmentPool::retire_now(Io& io, const Retired& retired, std::unique_lock<std::mutex>& lock) {
  const bool recycle = retired.size == segment_bytes_ && spares_.size() < spares_max_;
  std::string path = recycle ? next_path() : std::string();
  lock.unlock();
  Status status = recycle ? io.rename(retired.path, path) : io.remove(retired.path);
  lock.lock();
  if (status.ok() && recycle) {
    add_spare(std::move(path));
    changed_.notify_all();
  }
  return status;
}

void SegmentPool::add_spare(std::string path) {
  spares_.push_back(std::move(path));
  ready_.store(spares_.size(), std::memory_order_release);
}

std::string SegmentPool::next_path() { return spare_path(directory_, next_number_++); }

void SegmentPool::want_spares() {
  if (ready() >= spares_max_ || creating_.load()) return;
  std::unique_lock lock(mutex_);
  if (!creation_failure_.ok()) return;
  creating_.store(true);
  start(lock);
}

Status SegmentPool::retry() {
  std::unique_lock lock(mutex_);
  Status last = std::exchange(creation_failure_, Status());
  if (spares_.size() >= spares_max_) return {};
  creating_.store(true);
  start(lock);
  if (background_ != nullptr) return last;
  return creation_failure_;
}

Result<std::string> SegmentPool::take(std::uint64_t bytes) {
  std::unique_lock lock(mutex_);
  if (bytes <= segment_bytes_) {
    changed_.wait(lock, [this] { return !spares_.empty() || !running_; });
    if (!spares_.empty()) {
      std::string path = std::move(spares_.back());
      spares_.pop_back();
      ready_.store(spares_.size(), std::memory_order_release);
      return path;
    }
    bytes = segment_bytes_;
  }
  std::string path = next_path();
  lock.unlock();
  INGOT_TRY(io_.create_zeroed(path, bytes));
  return path;
}

void SegmentPool::retire(std::string path, std::uint64_t size) {
  std::unique_lock lock(mutex_);
  retired_.push_back(Retired{std::move(path), size});
  start(lock);
}

Status SegmentPool::failure() {
  const std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace ingot::log
