#include "commit-log/segment_pool.h"

#include <chrono>
#include <utility>

#include "commit-log/segment_files.h"
#include "core/out_of_memory.h"
#include "core/thread_main.h"
#include "core/try.h"

namespace ingot::log {
namespace {

// Without any growth of the log, one part of a spare is written after so many looks.
constexpr std::chrono::milliseconds kLook(2);
constexpr int kLooks = 4;

}  // namespace

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
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
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
  const Status started = with_memory("preparing segments", [this] {
    thread_ = std::thread([this] { thread_main("ingot-segments", [this] { run(*background_); }); });
    return Status();
  });
  if (started.ok()) return;
  // As a full disk: what is missing is made when it is needed, and this is tried again.
  lock.lock();
  running_ = false;
  creating_.store(false);
  if (creation_failure_.ok()) creation_failure_ = started;
  lock.unlock();
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
    retire_next(io, lock);
    return true;
  }
  if (spares_.size() >= spares_max_) creating_.store(false);
  if (!creating_.load()) return false;
  std::string path = next_path();
  lock.unlock();
  Status status = create(io, path);
  lock.lock();
  urgent_ = false;
  if (status.ok()) {
    add_spare(std::move(path));
  } else {
    creating_.store(false);
    if (status.code() != StatusCode::cancelled) creation_failure_ = std::move(status);
  }
  changed_.notify_all();
  return true;
}

Status SegmentPool::create(Io& io, const std::string& path) {
  if (&io == &io_) return io.create_zeroed(path, segment_bytes_);
  return io.create_zeroed_slowly(
      path, segment_bytes_,
      [this, &io, before = grown_.load()](std::uint64_t done) { return pace(io, done, before); });
}

bool SegmentPool::pace(Io& io, std::uint64_t done, std::uint64_t grown_before) {
  std::unique_lock lock(mutex_);
  for (int looks = 0; looks < kLooks; ++looks) {
    while (!retired_.empty()) {  // trimming does not wait for a spare
      retire_next(io, lock);
      io_.wake();
    }
    if (stopping_ || spares_.size() >= spares_max_) return false;
    if (urgent_ || done < 2 * (grown_.load(std::memory_order_relaxed) - grown_before)) break;
    changed_.wait_for(lock, kLook);
  }
  return !stopping_;
}

void SegmentPool::retire_next(Io& io, std::unique_lock<std::mutex>& lock) {
  const Retired retired = std::move(retired_.front());
  retired_.pop_front();
  if (!failure_.ok()) return;
  Status status = retire_now(io, retired, lock);
  if (!status.ok()) failure_ = std::move(status);
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
  urgent_ = true;
  changed_.notify_all();
  start(lock);
  if (background_ != nullptr) return last;
  return creation_failure_;
}

Result<std::string> SegmentPool::take(std::uint64_t bytes) {
  std::unique_lock lock(mutex_);
  if (bytes <= segment_bytes_) {
    urgent_ = running_;
    changed_.notify_all();
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
