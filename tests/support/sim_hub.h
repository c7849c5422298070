#pragma once

// SimHub: a task hub of several partitions in one thread, on a simulated disk, clock and network,
// from a single seed.
//
// The real partitions, recovery, router and client, over SimDisk and stores in memory; threads are
// replaced by step(), which lets the seed choose whose turn it is: a partition's, a write's, the
// loader's, the checkpoint thread's, an activity's. Nothing else makes time go by.
//
//   SimHub hub(registry, {.options = options, .seed = 7});
//   hub.client().schedule_new_orchestration("hello");   // blocking calls run the hub meanwhile
//   hub.until([&] { ... }, limit);                      // time goes by while nothing happens
//   hub.crash(); hub.recover();
//
// The plan says how unkind transport, disk and workers are. A power loss answers what was asked
// with `unknown`, `unavailable` or `cancelled`, as the end of the process would have left it; until
// recover() nothing is taken.
//
// A blocking wait must have no time-out of its own (0): time is not real here.

#include <gtest/gtest.h>
#include <ingot/hub_options.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/random.h"
#include "partition/hub/hub_client.h"
#include "partition/hub/router.h"
#include "partition/shard/partition.h"
#include "tests/support/sim_activities.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sim_io.h"
#include "tests/support/sim_network.h"
#include "tests/support/sim_store.h"
#include "tests/support/sim_watch.h"

namespace ingot::sim {

class SimClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return Timestamp(kStart + elapsed_ + shift_); }
  [[nodiscard]] Duration monotonic() const override { return elapsed_; }
  void advance(Duration by) { elapsed_ += by; }
  // The wall clock is set, forth or back.
  void jump(Duration by) { shift_ += by; }

 private:
  static constexpr Duration kStart{1'700'000'000'000'000};
  Duration elapsed_{std::chrono::hours(1)};
  Duration shift_{0};
};

struct SimHubPlan {
  HubOptions options;
  std::uint64_t seed = 1;
  // Takes a checkpoint and evicts all that is idle, after whatever a partition does.
  bool evict = false;
  // Now and then does so, without a checkpoint: one turn in so many; 0: never.
  std::uint64_t evictions = 0;
  // Blocking calls of the client run the hub until it is idle. Without, step() is the caller's.
  bool run_in_calls = true;
  SimNetworkPlan network;
  SimActivityPlan activities;
  // Both outlive the hub. Null: nobody looks on; foreign work is offered through work_items().
  HubWatch* watch = nullptr;
  partition::WorkBoard* board = nullptr;
};

// What a crash takes with it: the power fails; the process dies, and the machine lives; or it has
// happened already, on the disk (SimDisk::crash_at_operation).
enum class CrashKind : std::uint8_t { power, process, happened };

// The power fails when the `write`th write from the creation of the hub on is on the media: before
// its partition hears of it, or after it has acted on it.
struct PlannedCrash {
  std::uint64_t write = 0;
  bool heard = false;
};

class SimHub {
 public:
  // `registry` outlives the hub.
  SimHub(const Registry& registry, SimHubPlan plan);
  ~SimHub();
  SimHub(const SimHub&) = delete;
  SimHub& operator=(const SimHub&) = delete;

  // Of this incarnation: another one after recover().
  [[nodiscard]] Client& client();
  // The real one, on the simulated partitions. It calls receivers under its mutex: whoever calls
  // it has run_in_calls(false), and lets the hub run afterwards.
  [[nodiscard]] WorkItems& work_items();
  // Puts a request in, as the client does; false when it was not taken.
  bool offer(PartitionId partition, partition::Request&& request);
  [[nodiscard]] PartitionId partition_of(std::string_view instance_id) const;

  // One round of turns in an order that the seed decides. False when there was nothing to do.
  bool step();
  // Steps until nothing is left to do at this time.
  void settle();
  // Settles, and lets time go by until `condition`. False when `limit` of time passes first, or
  // nothing can happen any more; also when the power fails.
  bool until(const std::function<bool()>& condition, Duration limit);
  // When there is nothing to do at this time: goes on to when there is, if that is within `limit`.
  bool pass_time_to_next(Duration limit) { return pass_time(clock_.monotonic() + limit); }
  // Whether blocking calls run the hub from now on (SimHubPlan::run_in_calls).
  void run_in_calls(bool run) { run_in_calls_ = run; }
  // Everything that happens in the next `time`.
  void run_for(Duration time);
  [[nodiscard]] Timestamp now() const { return clock_.now(); }

  // A crash, and coming back from it.
  void crash(CrashKind kind = CrashKind::power);
  void crash_at(PlannedCrash planned) { planned_ = planned; }
  [[nodiscard]] bool down() const { return down_; }
  // Must succeed.
  void recover();
  // What kept it from coming back; it is down then as before.
  Status try_recover();
  // What recovery makes of a partition's checkpoint and the log that `io` shows. Changes `io` only.
  [[nodiscard]] Result<partition::Recovered> recover_from(log::Io& io, PartitionId partition);
  [[nodiscard]] static std::string folder_of(PartitionId partition);
  // Writes that reached the media: the durable positions are the states between them.
  [[nodiscard]] std::uint64_t writes() const { return writes_; }
  [[nodiscard]] std::uint64_t recoveries() const { return recoveries_; }
  // The first failure of a partition that was not planned.
  [[nodiscard]] Status failure();
  // The failure of a partition of this incarnation.
  [[nodiscard]] Status stopped() const;
  // How the partitions are, for a test's failure.
  [[nodiscard]] std::string describe();

  // What the hub stands on.
  [[nodiscard]] SimClock& clock() { return clock_; }
  [[nodiscard]] SimDisk& disk() { return disk_; }
  [[nodiscard]] StoreFaults& store_faults() { return store_faults_; }
  [[nodiscard]] const storage::CheckpointStore& store(PartitionId partition) const {
    return *stores_[partition.value];
  }
  [[nodiscard]] std::uint32_t partitions() const { return partitions_; }

 private:
  struct Incarnation;
  class Jobs;

  Status open();
  void on_wake();
  bool step(bool all);
  bool turn(std::uint32_t slot, bool all);
  bool run_jobs(Jobs& jobs, bool all);
  bool reap(std::uint32_t slot);
  // Lets time go by until the next deadline, at most to `end`. False when nothing is due by then.
  bool pass_time(Duration end);
  [[nodiscard]] std::vector<std::uint32_t> shuffled();

  const Registry& registry_;
  const SimHubPlan plan_;
  const std::uint32_t partitions_;
  Random random_;
  SimClock clock_;
  SimDisk disk_;
  StoreFaults store_faults_;
  std::uint64_t disk_generation_ = 0;  // of this incarnation
  std::vector<std::shared_ptr<storage::CheckpointStore>> stores_;
  std::unique_ptr<Incarnation> incarnation_;
  std::optional<PlannedCrash> planned_;
  Status failure_;
  std::uint64_t writes_ = 0;
  std::uint64_t recoveries_ = 0;
  bool running_ = false;  // step() is under way: wake-ups are of no account
  bool down_ = false;
  bool run_in_calls_;
};

}  // namespace ingot::sim
