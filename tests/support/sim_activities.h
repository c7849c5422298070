#pragma once

// SimActivities: the threads that run a simulated hub's own activities. Any of them may be the next
// to end; a result may come late, and twice.

#include <vector>

#include "core/clock.h"
#include "core/random.h"
#include "partition/shard/environment.h"
#include "tests/support/sim_watch.h"

namespace ingot::sim {

struct SimActivityPlan {
  std::uint64_t lateness = 1;  // an activity is ready to end once in so many rounds
  std::uint64_t repeats = 0;   // one in so many is run, and answered, twice; 0: none
};

class SimActivities final : public partition::ActivityExecutor {
 public:
  // All of it outlives this; `watch` may be null.
  SimActivities(partition::PartitionPost& post, const Clock& clock, Random& random,
                const SimActivityPlan& plan, std::uint64_t payload_bytes_max, HubWatch* watch)
      : post_(post),
        clock_(clock),
        random_(random),
        plan_(plan),
        payload_bytes_max_(payload_bytes_max),
        watch_(watch) {}

  void submit(std::vector<partition::ActivityJob>& jobs) override;
  // Ends some, or all. False when there was nothing to do.
  bool run(bool all);

 private:
  void run_one();

  partition::PartitionPost& post_;
  const Clock& clock_;
  Random& random_;
  const SimActivityPlan& plan_;
  const std::uint64_t payload_bytes_max_;
  HubWatch* const watch_;
  std::vector<partition::ActivityJob> jobs_;
};

}  // namespace ingot::sim
