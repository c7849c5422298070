#pragma once

// HubWorkItems: the board on which the partitions offer foreign work, and the calls of the workers.
//
// An offer only names where work was; locking asks the partition, which knows whether it still is.
// Offers come in on shard threads and are taken by workers: one mutex, off the hot path.

#include <ingot/work_items.h>

#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "partition/hub/router.h"
#include "partition/shard/environment.h"

namespace ingot::partition {

class HubWorkItems final : public WorkItems, public WorkBoard {
 public:
  // The limits of `options` on what is locked at a time.
  HubWorkItems(Router& router, const HubOptions& options);

  void offer_orchestration(PartitionId partition, SequenceNumber sequence) override;
  void offer_entity(PartitionId partition, SequenceNumber sequence) override;
  void offer_activity(PartitionId partition, SequenceNumber sequence,
                      std::int32_t task_id) override;

  void released(WorkKind kind) override;

  Result<OrchestrationWorkItem> lock_orchestration(Duration timeout) override;
  Result<EntityWorkItem> lock_entity(Duration timeout) override;
  Result<ActivityWorkItem> lock_activity(Duration timeout) override;
  Status complete_orchestration(const WorkItemToken& token,
                                const OrchestrationOutcome& outcome) override;
  Status complete_entity(const WorkItemToken& token, const EntityOutcome& outcome) override;
  Status complete_activity(const WorkItemToken& token,
                           const std::optional<std::string>& result) override;
  Status fail_activity(const WorkItemToken& token, const FailureDetails& failure) override;
  Status abandon_orchestration(const WorkItemToken& token) override;
  Status abandon_entity(const WorkItemToken& token) override;
  Status abandon_activity(const WorkItemToken& token) override;

  // The hub closes: everyone who waits is told.
  void close();

 private:
  struct Offer {
    PartitionId partition;
    SequenceNumber sequence;
    std::int32_t task_id = -1;
  };

  // The offers of one kind, and how many items of it are locked or being locked.
  struct Queue {
    std::deque<Offer> offers;
    std::uint32_t locked = 0;
    std::uint32_t locked_max = 0;
  };

  [[nodiscard]] Queue& queue(WorkKind kind) { return queues_[static_cast<std::size_t>(kind)]; }
  void offer(WorkKind kind, const Offer& offered);
  // Locks the next of the offers of `kind` that is still there.
  template <typename Item, typename R>
  Result<Item> lock_next(WorkKind kind, Duration timeout);
  // Takes the next offer, and counts it as locked, waiting until `deadline`.
  Result<Offer> next_offer(WorkKind kind, std::chrono::steady_clock::time_point until);
  // Sends a request about a token and waits for its status; for a token of no partition, ok.
  template <typename R>
  Status ask(const WorkItemToken& token, R request);

  Router& router_;
  std::mutex mutex_;
  std::condition_variable offered_;
  std::array<Queue, 3> queues_;  // by WorkKind
  bool closed_ = false;
};

}  // namespace ingot::partition
