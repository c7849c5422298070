#pragma once

// ActivityDispatch: starts the partition's activities: inline ones on the spot, the others in
// batches on the pool, unknown ones on the work board or as a failure.

#include <deque>
#include <string>
#include <vector>

#include "core/activity_runner.h"
#include "core/effect.h"
#include "partition/shard/effect_gate.h"
#include "partition/shard/environment.h"
#include "partition/shard/recorder.h"
#include "partition/state/partition_state.h"
#include "partition/work/scheduled_activity.h"

namespace ingot::partition {

class ForeignWork;

class ActivityDispatch {
 public:
  ActivityDispatch(const Environment& environment, PartitionState& state, Recorder& recorder,
                   ForeignWork& foreign)
      : environment_(environment), state_(state), recorder_(recorder), foreign_(foreign) {}

  void enqueue(const ActivityScheduled& activity) { queue_.push_back(activity); }
  // After recovery: everything that the instance still waits for, and all that is detached.
  void enqueue_pending(const Instance& instance);
  void enqueue_detached();
  [[nodiscard]] bool empty() const { return queue_.empty(); }
  // Starts the next queued activity.
  void start_next();
  // Hands over what was gathered for the pool.
  void submit();
  // Records results that came back; a second one is dropped.
  void take(const ActivityResults& results);

 private:
  void run_inline(const Activity& activity, const ActivityScheduled& scheduled,
                  const ScheduledActivity& found);
  void record(SequenceNumber sequence, std::uint32_t generation, std::string_view event);

  const Environment& environment_;
  PartitionState& state_;
  Recorder& recorder_;
  ForeignWork& foreign_;
  std::deque<ActivityScheduled> queue_;
  std::vector<ActivityJob> jobs_;
  std::string event_;
};

// The outcome as an encoded TaskCompleted or TaskFailed event, appended to `out`. A result over
// `payload_bytes_max` becomes a failure.
void encode_outcome(const ActivityOutcome& outcome, std::int32_t task_id, Timestamp at,
                    std::uint64_t payload_bytes_max, std::string& out);
// Whether the execution that waits for an activity's outcome, if it is there, has room for it.
// `failed` is the encoded failure that comes in its place when not.
[[nodiscard]] bool has_room_for(const Instance* instance, std::uint32_t generation,
                                std::string_view event, Timestamp at, std::string& failed);

}  // namespace ingot::partition
