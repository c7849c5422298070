#pragma once

// Media: what the simulated disks durably hold, as facts, and the checkers that look at them.
//
// Every write of a log is taken apart when it is whole on the media, and its facts are applied to a
// state of their own that began at position 0 and never forgets: pure replay. What was being
// written when the power failed is kept; recovery says how much of it counts. The engine's own
// idea of what is durable is never asked.

#include <memory>
#include <string>
#include <vector>

#include "commit-log/frame.h"
#include "tests/sim/check_channels.h"
#include "tests/sim/check_durability.h"
#include "tests/sim/check_fences.h"
#include "tests/sim/check_histories.h"
#include "tests/sim/check_ledger.h"
#include "tests/sim/check_timers.h"
#include "tests/support/sim_watch.h"

namespace ingot::sim {

// One write that is whole on the media.
struct WholeWrite {
  std::uint64_t segment_id = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

class Media final : public HubWatch {
 public:
  Media(std::uint32_t partitions, std::uint64_t seed, bool persist_steps_first, Findings& findings);

  void on_submit(std::uint64_t token, std::span<const char> bytes) override;
  void on_durable(std::uint64_t token) override;
  void on_recovered(PartitionId partition, const partition::Recovered& recovered) override;
  void on_message(PartitionId destination, const partition::Request& request) override;
  void on_activity(const partition::ActivityJob& job) override;

  // From now on a recovery is compared with pure replay in everything.
  void compare_all() { sample_ = 1; }
  // At the end, when nothing is left to do.
  void ended(Timestamp now);

  [[nodiscard]] const partition::PartitionState& state(PartitionId partition) const {
    return logs_[partition.value]->state;
  }
  [[nodiscard]] const std::vector<WholeWrite>& writes(PartitionId partition) const {
    return logs_[partition.value]->writes;
  }
  // What was being written when the hub went down, and is not known to be whole.
  [[nodiscard]] bool writing(PartitionId partition) const {
    return !logs_[partition.value]->flying.empty();
  }
  [[nodiscard]] LedgerChecker& ledger() { return ledger_; }
  [[nodiscard]] HistoryChecker& histories() { return histories_; }
  [[nodiscard]] DurabilityChecker& durability() { return durability_; }
  [[nodiscard]] std::uint64_t facts() const { return facts_; }
  // Of every byte that became durable, in the order in which it did.
  [[nodiscard]] std::uint64_t hash() const { return hash_; }

 private:
  struct Log {
    explicit Log(PartitionId id, std::uint32_t count) : state(id, count) {}
    partition::PartitionState state;
    std::string flying;  // the write that began last, until it is whole
    std::vector<WholeWrite> writes;
  };

  // The facts of a write, up to `last`.
  void take(Log& log, std::string_view bytes, Position last);
  void apply(Log& log, Position position, std::string_view bytes);

  Findings& findings_;
  Random random_;
  const bool persist_steps_first_;
  std::uint64_t sample_ = 16;
  LedgerChecker ledger_;
  ChannelChecker channels_;
  TimerChecker timers_;
  HistoryChecker histories_;
  DurabilityChecker durability_;
  FenceChecker fences_;
  std::vector<Checker*> checkers_;
  std::vector<std::unique_ptr<Log>> logs_;
  log::FramePayload payload_;
  Effects effects_;
  std::uint64_t facts_ = 0;
  std::uint64_t hash_ = 0;
};

}  // namespace ingot::sim
