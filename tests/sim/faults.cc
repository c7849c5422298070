#include "tests/sim/faults.h"

#include <algorithm>
#include <cerrno>

namespace ingot::sim {

FaultPlan make_fault_plan(Random& random) {
  FaultPlan plan;
  plan.clock_jumps = random.one_in(3);
  plan.io_errors = random.one_in(6);
  plan.full_disks = random.one_in(8);
  plan.corruption = random.one_in(4);
  plan.foreign_activities = random.one_in(4);
  plan.foreign_orchestrations = random.one_in(6);
  plan.foreign_entities = random.one_in(6);
  plan.crashes = 10 + random.below(4);
  return plan;
}

std::string to_string(const FaultPlan& plan) {
  std::string text = "crashes";
  if (plan.clock_jumps) text += ", clock jumps";
  if (plan.io_errors) text += ", I/O errors";
  if (plan.full_disks) text += ", full disks";
  if (plan.corruption) text += ", corruption";
  if (plan.foreign_activities) text += ", foreign activities";
  if (plan.foreign_orchestrations) text += ", foreign orchestrations";
  if (plan.foreign_entities) text += ", foreign entities";
  return text;
}

void plan_hub(SimHubPlan& plan, Random& random) {
  HubOptions& options = plan.options;
  options.partitions = 4 + (random.one_in(3) ? static_cast<std::uint32_t>(1 + random.below(2)) : 0);
  options.segment_bytes = 256ULL << 10;
  options.batch_bytes_max = 64ULL << 10;
  options.payload_bytes_max = 64ULL << 10;
  options.persist_steps_first = random.one_in(4);
  options.extended_sessions = !random.one_in(4);
  options.checkpoint_facts = 25ULL << random.below(6);
  if (random.one_in(3)) options.checkpoint_idle = std::chrono::milliseconds(20);
  if (random.one_in(3)) options.entity_batch_operations_max = 2;
  options.work_item_timeout = std::chrono::milliseconds(100 + random.below(2000));
  plan.run_in_calls = false;
  if (random.one_in(2)) plan.evictions = 4 + random.below(60);
  plan.network.delays = !random.one_in(8);
  plan.network.slowness = 1 + random.below(4);
  if (random.one_in(2)) plan.network.repeats = 2 + random.below(20);
  plan.activities.lateness = 1 + random.below(4);
  if (random.one_in(2)) plan.activities.repeats = 2 + random.below(20);
}

void Faults::arm_crash() {
  ++armed_;
  switch (random_.below(6)) {
    case 0:
      hub_.crash(CrashKind::power);
      break;
    case 1:
      hub_.crash(CrashKind::process);
      break;
    case 2:
    case 3:
      hub_.crash_at({hub_.writes() + 1 + random_.below(24), random_.one_in(2)});
      break;
    default:
      hub_.disk().crash_at_operation(1 + random_.below(24));
  }
}

void Faults::turn(double progress) {
  ++rounds_;
  if (random_.one_in(64)) hub_.disk().set_slowness(1 + random_.below(6));
  // One at a time: the next when the last one has happened.
  const double due = static_cast<double>(plan_.crashes + 1) * progress;
  if (armed_ <= crashes_ && static_cast<double>(armed_) + 0.5 < due) arm_crash();
  if (hub_.down()) return;
  small_faults();
  // A partition that has stopped stays so until the hub is opened again.
  if (rounds_ % 16 != 0 || hub_.stopped().ok()) return;
  if (!expects_failures()) {
    findings_.violated(
        "(g) progress", {}, {},
        "a partition has stopped, and no fault was planned: " + hub_.stopped().to_string());
  } else if (++stopped_for_ > random_.below(8)) {
    stopped_for_ = 0;
    hub_.crash(random_.one_in(2) ? CrashKind::power : CrashKind::process);
  }
}

void Faults::small_faults() {
  if (plan_.clock_jumps && random_.one_in(400)) {
    const Duration size = std::chrono::seconds(random_.below(7200));
    const Duration jump = random_.one_in(2) ? size : -size;
    hub_.clock().jump(jump);
    shift_ += jump;
    shift_max_ = std::max(shift_max_, shift_);
    findings_.trace(Findings::kEveryone, [] { return std::string("the clock jumps"); });
  }
  if (plan_.io_errors && random_.one_in(1000)) {
    switch (random_.below(3)) {
      case 0:
        hub_.disk().fail_write(1 + random_.below(8), EIO);
        break;
      case 1:
        hub_.disk().fail_operation(1 + random_.below(16), random_.one_in(2) ? EIO : ENOSPC);
        break;
      default:
        hub_.store_faults().failures = 1;
    }
    findings_.trace(Findings::kEveryone, [] { return std::string("an I/O error is on its way"); });
  }
  if (plan_.full_disks && full_until_ == 0 && random_.one_in(500)) {
    full_until_ = rounds_ + random_.below(400);
    hub_.disk().set_capacity(hub_.disk().used());
    hub_.store_faults().full = random_.one_in(2);
    findings_.trace(Findings::kEveryone, [] { return std::string("the disk is full"); });
  } else if (full_until_ != 0 && rounds_ >= full_until_) {
    full_until_ = 0;
    hub_.disk().set_capacity(std::nullopt);
    hub_.store_faults().full = false;
    findings_.trace(Findings::kEveryone, [] { return std::string("the disk has space"); });
  }
}

bool Faults::before_recovery(std::uint64_t attempt) {
  hub_.disk().clear_faults();
  hub_.store_faults().failures = 0;
  if (attempt >= 4 || !random_.one_in(4)) {
    if (attempt >= 4) hub_.disk().set_capacity(std::nullopt);
    return false;
  }
  if (plan_.io_errors && random_.one_in(2)) {
    hub_.disk().fail_operation(1 + random_.below(80), EIO);
  } else {
    hub_.disk().crash_at_operation(1 + random_.below(80));
  }
  return true;
}

void Faults::crash_now() { hub_.crash(random_.one_in(2) ? CrashKind::power : CrashKind::process); }

void Faults::stop() {
  hub_.crash_at({});
  hub_.disk().clear_faults();
  hub_.disk().set_capacity(std::nullopt);
  hub_.disk().set_slowness(2);
  hub_.store_faults() = StoreFaults{};
  // Past every time that was ever read: else what is due by such a time has to wait for it.
  hub_.clock().jump(shift_max_ - shift_);
  shift_ = shift_max_;
}

}  // namespace ingot::sim
