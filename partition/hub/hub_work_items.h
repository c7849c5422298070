#pragma once

// HubWorkItems: the board on which the partitions offer foreign work, and the calls of the workers.
//
// An offer only names where work was; locking asks the partition, which knows whether it still is.
// Offers come in on shard threads and are taken by workers: one mutex, off the hot path.

#include <ingot/work_items.h>

#include <condition_variable>
#include <deque>
#include <mutex>

#include "partition/hub/router.h"
#include "partition/shard/environment.h"

namespace ingot::partition {

class HubWorkItems final : public WorkItems, public WorkBoard {
 public:
  explicit HubWorkItems(Router& router) : router_(router) {}

  void offer_orchestration(PartitionId partition, SequenceNumber sequence) override;
  void offer_entity(PartitionId partition, SequenceNumber sequence) override;
  void offer_activity(PartitionId partition, SequenceNumber sequence,
                      std::int32_t task_id) override;

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

  void offer(std::deque<Offer>& offers, const Offer& offered);
  // Locks the next of `offers` that is still there.
  template <typename Item, typename R>
  Result<Item> lock_next(std::deque<Offer>& offers, Duration timeout);
  // Takes the next offer of `offers`, waiting until `deadline`.
  Result<Offer> next_offer(std::deque<Offer>& offers, std::chrono::steady_clock::time_point until);
  // Sends a request about a token and waits for its status; for a token of no partition, ok.
  template <typename R>
  Status ask(const WorkItemToken& token, R request);

  Router& router_;
  std::mutex mutex_;
  std::condition_variable offered_;
  std::deque<Offer> orchestrations_;
  std::deque<Offer> entities_;
  std::deque<Offer> activities_;
  bool closed_ = false;
};

}  // namespace ingot::partition
