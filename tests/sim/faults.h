#pragma once

// Faults: what goes wrong in a run, and when. Which classes of faults a run has, and how the hub is
// configured for it, the seed decides.
//
//   always            crashes: power losses and dying processes, at any write, at any operation of
//   a
//                     disk, in the middle of recoveries; delayed, repeated, overtaking messages;
//                     late and repeated results of activities; slow disks
//   clock_jumps       the wall clock is set forth and back
//   io_errors         writes and other operations fail, and tear; checkpoints fail
//   full_disks        there is no space for log or checkpoints, for a while
//   foreign work      a foreign worker runs the activities, orchestrations or entities, or all of
//                     them, and is not to be relied on (foreign_worker.h)
//   corruption        after a crash, copies of the logs are damaged and recovered (corruption.h)

#include <string>

#include "core/random.h"
#include "tests/sim/findings.h"
#include "tests/support/sim_hub.h"

namespace ingot::sim {

struct FaultPlan {
  bool clock_jumps = false;
  bool io_errors = false;
  bool full_disks = false;
  bool corruption = false;
  bool foreign_activities = false;
  bool foreign_orchestrations = false;
  bool foreign_entities = false;
  std::uint64_t crashes = 10;  // at least

  [[nodiscard]] bool foreign() const {
    return foreign_activities || foreign_orchestrations || foreign_entities;
  }
};

// The classes of a run, its options and its hub.
[[nodiscard]] FaultPlan make_fault_plan(Random& random);
void plan_hub(SimHubPlan& plan, Random& random);
// e.g. "crashes, clock jumps"
[[nodiscard]] std::string to_string(const FaultPlan& plan);

class Faults {
 public:
  Faults(SimHub& hub, const FaultPlan& plan, std::uint64_t seed, Findings& findings)
      : hub_(hub), plan_(plan), random_(seed), findings_(findings) {}

  // Once a round, while the hub is up; `progress` of the work is done, of 1. May crash the hub.
  void turn(double progress);
  // Before an attempt to recover. False: no fault is in its way.
  bool before_recovery(std::uint64_t attempt);
  // A failure may be this class's doing.
  [[nodiscard]] bool expects_failures() const { return plan_.io_errors || plan_.full_disks; }
  // From now on nothing goes wrong any more.
  void stop();
  // A crash that takes place now, at the end of a run that had too few.
  void crash_now();

  [[nodiscard]] std::uint64_t crashes() const { return crashes_; }
  void count_crash() { ++crashes_; }
  [[nodiscard]] bool wants_more() const { return crashes_ < plan_.crashes; }

 private:
  void arm_crash();
  void small_faults();

  SimHub& hub_;
  const FaultPlan plan_;
  Random random_;
  Findings& findings_;
  std::uint64_t armed_ = 0;  // crashes that were planned
  std::uint64_t crashes_ = 0;
  std::uint64_t full_until_ = 0;  // rounds
  std::uint64_t stopped_for_ = 0;
  std::uint64_t rounds_ = 0;
  Duration shift_{0};  // of the wall clock
  Duration shift_max_{0};
};

}  // namespace ingot::sim
