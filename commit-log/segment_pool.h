#pragma once

// SegmentPool: keeps zero-written files ready and takes back segments that are no longer needed.
//
// Zero-writing a segment takes tens of milliseconds and removing or renaming one costs a directory
// fsync, so both happen on a background thread with an Io of its own. The thread lives only while
// there is work. So that the log keeps the device, it writes zeros no more than twice as fast as
// the log grows, or at a trickle, until somebody needs the spare at once. With an Io that has no
// background (simulations) everything happens at once, on the caller's thread.
//
// Invariants:
//   - a spare is listed only when its file and name are durable;
//   - segments are retired in the order given, oldest first, and none after one has failed, so the
//     segments on disk are always a gapless end of the log.
//
// All calls come from the owner's thread.

#include <ingot/status.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "commit-log/io.h"

namespace ingot::log {

class SegmentPool {
 public:
  // `spares` are whole files of `segment_bytes`; no spare has the number `next_number` or a later
  // one. `io` is the owner's and outlives the pool.
  SegmentPool(Io& io, std::string directory, std::uint64_t segment_bytes, std::uint32_t spares_max,
              std::vector<std::string> spares, std::uint64_t next_number);
  // Waits for the background thread.
  ~SegmentPool();
  SegmentPool(const SegmentPool&) = delete;
  SegmentPool& operator=(const SegmentPool&) = delete;

  [[nodiscard]] std::size_t ready() const { return ready_.load(std::memory_order_acquire); }
  // Has spares made up to the limit, unless the last attempt failed. Cheap when there are enough.
  void want_spares();
  // The log has written so many bytes more.
  void log_grew(std::uint64_t bytes) { grown_.fetch_add(bytes, std::memory_order_relaxed); }
  // As want_spares(), but at full speed, and tries again after a failure. The last attempt's
  // failure, if any. The owner's Io is woken when the attempt has ended.
  Status retry();
  // The path of a file of at least `bytes`, which is the caller's now. Takes a spare, waits for one
  // that is being made, or makes one here. `disk_full` when there is no space.
  [[nodiscard]] Result<std::string> take(std::uint64_t bytes);
  // Recycles or removes a segment file of `size` bytes.
  void retire(std::string path, std::uint64_t size);
  // The first failure to retire a segment; sticky.
  [[nodiscard]] Status failure();

 private:
  struct Retired {
    std::string path;
    std::uint64_t size;
  };

  void start(std::unique_lock<std::mutex>& lock);
  void run(Io& io);
  // One job with the lock released meanwhile; false when there is none.
  bool work(Io& io, std::unique_lock<std::mutex>& lock);
  // The oldest one.
  void retire_next(Io& io, std::unique_lock<std::mutex>& lock);
  Status retire_now(Io& io, const Retired& retired, std::unique_lock<std::mutex>& lock);
  Status create(Io& io, const std::string& path);
  // Waits until the next part of a spare may be written; false when no spare is wanted any more.
  bool pace(Io& io, std::uint64_t done, std::uint64_t grown_before);
  void add_spare(std::string path);
  [[nodiscard]] std::string next_path();

  Io& io_;
  const std::string directory_;
  const std::uint64_t segment_bytes_;
  const std::uint32_t spares_max_;
  const std::unique_ptr<Io> background_;
  std::atomic<std::size_t> ready_{0};
  std::atomic<bool> creating_{false};  // spares are wanted and no attempt has failed
  std::atomic<std::uint64_t> grown_{0};

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<std::string> spares_;
  std::deque<Retired> retired_;
  std::uint64_t next_number_;
  Status creation_failure_;
  Status failure_;
  bool running_ = false;
  bool urgent_ = false;    // the spare that is being made is needed now
  bool stopping_ = false;  // the owner ends
  std::thread thread_;     // the owner's
};

}  // namespace ingot::log
