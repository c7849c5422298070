#pragma once

// Shard: one thread with one ring and several partitions. Shards share nothing.
//
// A turn of its loop: drain the inbox, reaping completed writes meanwhile, then give each partition
// its turn. When there is nothing to do it sleeps in the ring until a write completes, a request
// comes or a timer is due: an idle hub uses no processor time.

#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "commit-log/io.h"
#include "partition/peers/channel_ends.h"
#include "partition/shard/partition.h"

namespace ingot::partition {

struct ShardPlan {
  std::vector<RecoveryPlan> partitions;  // by slot
  log::IoBackend io = log::IoBackend::automatic;
  std::uint64_t partition_memory_bytes = 0;
};

struct ShardFigures {
  Histogram checkpoint_stalls;  // nanoseconds
  RecoveryFigures recovery;
};

class Shard {
 public:
  // `environment` and what it refers to outlive the shard.
  Shard(const Environment& environment, ShardPlan plan);
  // After finish().
  ~Shard();

  // Starts the thread, which recovers the partitions.
  Status start();
  // After start(), once: returns when they are ready to work, or why they are not.
  Status opened();
  // Lets the partitions work. Until then requests only queue up.
  void go();
  [[nodiscard]] Inbox& inbox() { return *inbox_; }
  // Both after opened().
  [[nodiscard]] const std::string& io_name() const { return io_name_; }
  [[nodiscard]] const std::vector<ChannelEnds>& channel_ends() const { return channel_ends_; }

  // Ends the waits for instances, those that are still to come as well; returns at once.
  void end_waits();
  // Stops local work, writes and answers what was taken; returns at once.
  void close();
  // Returns when everything is durable.
  void wait_until_settled();
  // Ends the thread and destroys the partitions. No job that refers to them may run any more.
  void finish();

  // A copy of the figures, made by the shard's thread. Only between start() and close().
  [[nodiscard]] ShardFigures figures();
  // True on a shard's thread: there one must not wait for another request's answer.
  [[nodiscard]] static bool on_shard_thread();

 private:
  enum class Phase : std::uint8_t { recovering, working, closing, settled, finished };

  void run(std::promise<Status> ready);
  Status open_partitions();
  void loop();
  bool drain_inbox();
  // Takes what the Io has completed. True when there was something.
  bool reap();
  void give_completions();
  void sleep();
  void wait_for(Phase phase);
  void enter(Phase phase);

  const Environment& environment_;
  const ShardPlan plan_;
  std::unique_ptr<log::Io> io_;
  std::string io_name_;
  std::unique_ptr<Inbox> inbox_;
  std::vector<std::unique_ptr<Partition>> partitions_;
  std::vector<ChannelEnds> channel_ends_;  // as recovered
  std::vector<log::WriteCompletion> completions_;
  std::future<Status> opened_;
  std::thread thread_;

  std::mutex mutex_;
  std::condition_variable changed_;
  Phase phase_ = Phase::recovering;
  std::atomic<bool> ending_waits_{false};
  std::atomic<bool> closing_{false};
  std::atomic<log::Io*> waker_{nullptr};
  std::vector<std::promise<ShardFigures>> figure_requests_;  // under mutex_
  std::atomic<bool> figures_wanted_{false};
};

}  // namespace ingot::partition
