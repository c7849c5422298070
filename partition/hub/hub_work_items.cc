#include "partition/hub/hub_work_items.h"

#include <algorithm>
#include <type_traits>

#include "core/out_of_memory.h"
#include "partition/hub/blocking_call.h"

namespace ingot::partition {
namespace {

// An offer, or the place of a receiver, can't be taken back in the middle.
constexpr const char* kGivingOut = "giving out work";

std::uint32_t limit(std::uint32_t most) { return most == 0 ? UINT32_MAX : most; }

Status closed() { return Status(StatusCode::cancelled, "the task hub is closed"); }

// Takes one item, for a thread that waits.
template <typename Item>
class OneItem final : public WorkReceiver {
 public:
  explicit OneItem(WorkKind kind) : kind_(kind) {}

  bool reserve(WorkKind kind) override {
    const std::lock_guard lock(mutex_);
    if (kind != kind_ || reserved_) return false;
    reserved_ = true;
    return true;
  }
  void unreserve(WorkKind /*kind*/) override {
    const std::lock_guard lock(mutex_);
    reserved_ = false;
    if (given_up_) answer_.give(Status(StatusCode::timed_out, "no work item came in time"));
  }
  void take(OrchestrationWorkItem item) override { give(std::move(item)); }
  void take(EntityWorkItem item) override { give(std::move(item)); }
  void take(ActivityWorkItem item) override { give(std::move(item)); }
  void closed() override { answer_.give(partition::closed()); }

  std::optional<Result<Item>> wait(Duration timeout) { return answer_.take_for(timeout); }
  // After the subscription has ended: what comes in spite of that, or timed_out.
  Result<Item> take_late() {
    {
      const std::lock_guard lock(mutex_);
      given_up_ = true;
      if (!reserved_) answer_.give(Status(StatusCode::timed_out, "no work item came in time"));
    }
    return answer_.take();
  }

 private:
  template <typename Given>
  void give(Given item) {
    if constexpr (std::is_same_v<Given, Item>) answer_.give(std::move(item));
  }

  const WorkKind kind_;
  Rendezvous<Result<Item>> answer_;
  std::mutex mutex_;
  bool reserved_ = false;
  bool given_up_ = false;
};

}  // namespace

HubWorkItems::HubWorkItems(Router& router, const HubOptions& options)
    : router_(router),
      exchange_({limit(options.orchestration_work_items_max), limit(options.entity_work_items_max),
                 limit(options.activity_work_items_max)},
                [this](WorkKind kind, WorkOffer offered, const SubscriptionPtr& subscription) {
                  lock(kind, std::move(offered), subscription);
                }) {}

// --- offers and receivers -----------------------------------------------------------------------

void HubWorkItems::offer(WorkKind kind, WorkOffer offered) {
  const std::lock_guard guard(mutex_);
  if (!closed_) exchange_.offer(kind, std::move(offered));
}

void HubWorkItems::released(WorkKind kind) {
  const std::lock_guard guard(mutex_);
  exchange_.released(kind);
}

SubscriptionId HubWorkItems::subscribe(std::shared_ptr<WorkReceiver> receiver, WorkFilter filter) {
  const auto subscription = std::make_shared<Subscription>();
  subscription->receiver = std::move(receiver);
  subscription->filter = std::move(filter);
  {
    const std::lock_guard guard(mutex_);
    subscription->id = ++last_subscription_;
    if (!closed_) {
      or_end(kGivingOut, [&] { exchange_.add(subscription); });
      return subscription->id;
    }
  }
  subscription->receiver->closed();
  return subscription->id;
}

void HubWorkItems::ready(SubscriptionId id) {
  const std::lock_guard guard(mutex_);
  if (!closed_) or_end(kGivingOut, [&] { exchange_.ready(id); });
}

void HubWorkItems::unsubscribe(SubscriptionId id) {
  SubscriptionPtr removed;  // destroyed outside of the lock
  const std::lock_guard guard(mutex_);
  or_end(kGivingOut, [&] { removed = exchange_.remove(id); });
}

void HubWorkItems::close() {
  std::vector<SubscriptionPtr> all;
  {
    const std::lock_guard guard(mutex_);
    closed_ = true;
    all = exchange_.clear();
  }
  for (const SubscriptionPtr& subscription : all) subscription->receiver->closed();
}

// Requests are pushed, not offered to the inbox: the room of receivers bounds them. None comes
// after close(), because the mutex is held.
template <typename R>
void HubWorkItems::lock_as(WorkKind kind, const WorkOffer& offered,
                           const SubscriptionPtr& subscription) {
  R request;
  request.sequence = offered.sequence;
  if constexpr (requires { request.task_id; }) request.task_id = offered.task_id;
  request.done = [this, kind, subscription](auto item) {
    locked(kind, subscription, std::move(item));
  };
  router_.push(offered.partition, std::move(request));
}

void HubWorkItems::lock(WorkKind kind, WorkOffer offered, const SubscriptionPtr& subscription) {
  switch (kind) {
    case WorkKind::orchestration:
      return lock_as<LockOrchestrationRequest>(kind, offered, subscription);
    case WorkKind::entity:
      return lock_as<LockEntityRequest>(kind, offered, subscription);
    case WorkKind::activity:
      return lock_as<LockActivityRequest>(kind, offered, subscription);
  }
}

template <typename Item>
void HubWorkItems::locked(WorkKind kind, const SubscriptionPtr& subscription, Result<Item> item) {
  {
    const std::lock_guard guard(mutex_);
    if (!item.ok()) {
      // Done in the meantime, or the partition has stopped.
      exchange_.released(kind);
      subscription->receiver->unreserve(kind);
      if (!closed_) exchange_.ready(subscription->id);
      return;
    }
    // From here on the partition says when it is released.
    if (!subscription->open && !closed_) {
      router_.push(PartitionId(item->token.partition),
                   AbandonRequest{item->token, true, [](const Status&) {}});
    }
    if (!subscription->open) {
      subscription->receiver->unreserve(kind);
      return;
    }
  }
  subscription->receiver->take(*std::move(item));
}

// --- workers' calls -----------------------------------------------------------------------------

template <typename Item>
Result<Item> HubWorkItems::lock_next(WorkKind kind, Duration timeout) {
  return blocking_call([&]() -> Result<Item> {
    WorkFilter filter;
    if (kind != WorkKind::orchestration) filter.orchestrations.emplace();
    if (kind != WorkKind::entity) filter.entities.emplace();
    if (kind != WorkKind::activity) filter.activities.emplace();
    const auto receiver = std::make_shared<OneItem<Item>>(kind);
    const SubscriptionId id = subscribe(receiver, std::move(filter));
    std::optional<Result<Item>> item = receiver->wait(std::max(timeout, Duration(0)));
    unsubscribe(id);
    return item ? *std::move(item) : receiver->take_late();
  });
}

Result<OrchestrationWorkItem> HubWorkItems::lock_orchestration(Duration timeout) {
  return lock_next<OrchestrationWorkItem>(WorkKind::orchestration, timeout);
}

Result<EntityWorkItem> HubWorkItems::lock_entity(Duration timeout) {
  return lock_next<EntityWorkItem>(WorkKind::entity, timeout);
}

Result<ActivityWorkItem> HubWorkItems::lock_activity(Duration timeout) {
  return lock_next<ActivityWorkItem>(WorkKind::activity, timeout);
}

template <typename R>
void HubWorkItems::ask_async(const WorkItemToken& token, R request, DoneFn done) {
  if (token.partition >= router_.partitions()) return done({});  // not one of ours: stale
  request.token = token;
  request.done = std::move(done);
  router_.offer_or_refuse(PartitionId(token.partition), std::move(request));
}

void HubWorkItems::complete_orchestration_async(const WorkItemToken& token,
                                                OrchestrationOutcome outcome, DoneFn done) {
  CompleteOrchestrationRequest request;
  request.outcome = std::move(outcome);
  ask_async(token, std::move(request), std::move(done));
}

void HubWorkItems::complete_entity_async(const WorkItemToken& token, EntityOutcome outcome,
                                         DoneFn done) {
  CompleteEntityRequest request;
  request.outcome = std::move(outcome);
  ask_async(token, std::move(request), std::move(done));
}

void HubWorkItems::complete_activity_async(const WorkItemToken& token,
                                           std::optional<std::string> result, DoneFn done) {
  CompleteActivityRequest request;
  request.result = std::move(result);
  ask_async(token, std::move(request), std::move(done));
}

void HubWorkItems::fail_activity_async(const WorkItemToken& token, FailureDetails failure,
                                       DoneFn done) {
  CompleteActivityRequest request;
  request.failure = std::move(failure);
  ask_async(token, std::move(request), std::move(done));
}

void HubWorkItems::return_item(const WorkItemToken& token) {
  if (token.partition >= router_.partitions()) return;
  const std::lock_guard guard(mutex_);
  if (closed_) return;
  or_end(kGivingOut, [&] {
    router_.push(PartitionId(token.partition), AbandonRequest{token, true, [](const Status&) {}});
  });
}

void HubWorkItems::abandon_async(const WorkItemToken& token, DoneFn done) {
  ask_async(token, AbandonRequest{}, std::move(done));
}

Status HubWorkItems::complete_orchestration(const WorkItemToken& token,
                                            const OrchestrationOutcome& outcome) {
  return wait_for_answer<Status>(
      [&](DoneFn done) { complete_orchestration_async(token, outcome, std::move(done)); });
}

Status HubWorkItems::complete_entity(const WorkItemToken& token, const EntityOutcome& outcome) {
  return wait_for_answer<Status>(
      [&](DoneFn done) { complete_entity_async(token, outcome, std::move(done)); });
}

Status HubWorkItems::complete_activity(const WorkItemToken& token,
                                       const std::optional<std::string>& result) {
  return wait_for_answer<Status>(
      [&](DoneFn done) { complete_activity_async(token, result, std::move(done)); });
}

Status HubWorkItems::fail_activity(const WorkItemToken& token, const FailureDetails& failure) {
  return wait_for_answer<Status>(
      [&](DoneFn done) { fail_activity_async(token, failure, std::move(done)); });
}

Status HubWorkItems::abandon_orchestration(const WorkItemToken& token) {
  return wait_for_answer<Status>([&](DoneFn done) { abandon_async(token, std::move(done)); });
}

Status HubWorkItems::abandon_entity(const WorkItemToken& token) {
  return abandon_orchestration(token);
}

Status HubWorkItems::abandon_activity(const WorkItemToken& token) {
  return abandon_orchestration(token);
}

}  // namespace ingot::partition
