#pragma once

// HubWorkItems: the board on which the partitions offer foreign work, and the calls of the workers.
//
// An offer only names where work was; locking asks the partition, which knows whether it still is.
// Offers come in on shard threads and are given to receivers under one mutex, off the hot path. No
// receiver but reserve() and unreserve() is called under it.

#include <ingot/work_items.h>

#include <mutex>

#include "partition/hub/router.h"
#include "partition/hub/work_exchange.h"
#include "partition/shard/environment.h"

namespace ingot::partition {

class HubWorkItems final : public WorkItems, public WorkBoard {
 public:
  // The limits of `options` on what is locked at a time.
  HubWorkItems(Router& router, const HubOptions& options);

  void offer(WorkKind kind, WorkOffer offered) override;
  void released(WorkKind kind) override;

  SubscriptionId subscribe(std::shared_ptr<WorkReceiver> receiver, WorkFilter filter) override;
  void ready(SubscriptionId id) override;
  void unsubscribe(SubscriptionId id) override;

  Result<OrchestrationWorkItem> lock_orchestration(Duration timeout) override;
  Result<EntityWorkItem> lock_entity(Duration timeout) override;
  Result<ActivityWorkItem> lock_activity(Duration timeout) override;
  Status complete_orchestration(const WorkItemToken& token,
                                const OrchestrationOutcome& outcome) override;
  Status complete_entity(const WorkItemToken& token, const EntityOutcome& outcome) override;
  Status complete_activity(const WorkItemToken& token,
                           const std::optional<std::string>& result) override;
  Status fail_activity(const WorkItemToken& token, const FailureDetails& failure) override;
  void complete_orchestration_async(const WorkItemToken& token, OrchestrationOutcome outcome,
                                    DoneFn done) override;
  void complete_entity_async(const WorkItemToken& token, EntityOutcome outcome,
                             DoneFn done) override;
  void complete_activity_async(const WorkItemToken& token, std::optional<std::string> result,
                               DoneFn done) override;
  void fail_activity_async(const WorkItemToken& token, FailureDetails failure,
                           DoneFn done) override;
  void return_item(const WorkItemToken& token) override;
  void abandon_async(const WorkItemToken& token, DoneFn done) override;
  Status abandon_orchestration(const WorkItemToken& token) override;
  Status abandon_entity(const WorkItemToken& token) override;
  Status abandon_activity(const WorkItemToken& token) override;

  // The hub closes: everyone who waits is told.
  void close();

 private:
  // Locks what was offered, for the subscription's receiver. Under the mutex.
  void lock(WorkKind kind, WorkOffer offered, const SubscriptionPtr& subscription);
  template <typename R>
  void lock_as(WorkKind kind, const WorkOffer& offered, const SubscriptionPtr& subscription);
  // What came of it. On a shard's thread.
  template <typename Item>
  void locked(WorkKind kind, const SubscriptionPtr& subscription, Result<Item> item);
  // Locks one item of the kind.
  template <typename Item>
  Result<Item> lock_next(WorkKind kind, Duration timeout);
  // Sends a request about a token; for a token of no partition, done(ok).
  template <typename R>
  void ask_async(const WorkItemToken& token, R request, DoneFn done);

  Router& router_;
  std::mutex mutex_;
  WorkExchange exchange_;
  SubscriptionId last_subscription_ = 0;
  bool closed_ = false;
};

}  // namespace ingot::partition
