#include "partition/hub/hub_work_items.h"

#include <algorithm>

#include "core/try.h"
#include "partition/hub/rendezvous.h"

namespace ingot::partition {
namespace {

std::chrono::steady_clock::time_point deadline_of(Duration timeout) {
  constexpr Duration kLongest = std::chrono::hours(24 * 365);
  return std::chrono::steady_clock::now() + std::clamp(timeout, Duration(0), kLongest);
}

}  // namespace

HubWorkItems::HubWorkItems(Router& router, const HubOptions& options) : router_(router) {
  const auto limit = [](std::uint32_t most) { return most == 0 ? UINT32_MAX : most; };
  queue(WorkKind::orchestration).locked_max = limit(options.orchestration_work_items_max);
  queue(WorkKind::entity).locked_max = limit(options.entity_work_items_max);
  queue(WorkKind::activity).locked_max = limit(options.activity_work_items_max);
}

void HubWorkItems::offer(WorkKind kind, const Offer& offered) {
  {
    const std::lock_guard lock(mutex_);
    queue(kind).offers.push_back(offered);
  }
  offered_.notify_all();
}

void HubWorkItems::offer_orchestration(PartitionId partition, SequenceNumber sequence) {
  offer(WorkKind::orchestration, {partition, sequence, -1});
}

void HubWorkItems::offer_entity(PartitionId partition, SequenceNumber sequence) {
  offer(WorkKind::entity, {partition, sequence, -1});
}

void HubWorkItems::offer_activity(PartitionId partition, SequenceNumber sequence,
                                  std::int32_t task_id) {
  offer(WorkKind::activity, {partition, sequence, task_id});
}

void HubWorkItems::released(WorkKind kind) {
  {
    const std::lock_guard lock(mutex_);
    Queue& released = queue(kind);
    INGOT_ASSERT(released.locked != 0);
    if (released.locked-- != released.locked_max) return;  // nobody waited for the limit
  }
  offered_.notify_all();
}

void HubWorkItems::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  offered_.notify_all();
}

Result<HubWorkItems::Offer> HubWorkItems::next_offer(WorkKind kind,
                                                     std::chrono::steady_clock::time_point until) {
  Queue& waiting = queue(kind);
  const auto ready = [&] { return !waiting.offers.empty() && waiting.locked < waiting.locked_max; };
  std::unique_lock lock(mutex_);
  offered_.wait_until(lock, until, [&] { return closed_ || ready(); });
  if (closed_) return Status(StatusCode::cancelled, "the task hub is closed");
  if (!ready()) return Status(StatusCode::timed_out, "no work item came in time");
  const Offer offer = waiting.offers.front();
  waiting.offers.pop_front();
  ++waiting.locked;
  return offer;
}

template <typename Item, typename R>
Result<Item> HubWorkItems::lock_next(WorkKind kind, Duration timeout) {
  const auto until = deadline_of(timeout);
  for (;;) {
    INGOT_ASSIGN(const Offer next, next_offer(kind, until));
    const auto answer = std::make_shared<Rendezvous<Result<Item>>>();
    R request;
    request.sequence = next.sequence;
    if constexpr (requires { request.task_id; }) request.task_id = next.task_id;
    request.done = [answer](Result<Item> item) { answer->give(std::move(item)); };
    if (Status taken = router_.offer(next.partition, std::move(request)); !taken.ok()) {
      released(kind);
      offer(kind, next);
      return taken;
    }
    Result<Item> item = answer->take();
    if (item.ok()) return item;  // the partition will say when it is released
    released(kind);
    if (item.status().code() != StatusCode::not_found) return item;
  }
}

Result<OrchestrationWorkItem> HubWorkItems::lock_orchestration(Duration timeout) {
  return lock_next<OrchestrationWorkItem, LockOrchestrationRequest>(WorkKind::orchestration,
                                                                    timeout);
}

Result<EntityWorkItem> HubWorkItems::lock_entity(Duration timeout) {
  return lock_next<EntityWorkItem, LockEntityRequest>(WorkKind::entity, timeout);
}

Result<ActivityWorkItem> HubWorkItems::lock_activity(Duration timeout) {
  return lock_next<ActivityWorkItem, LockActivityRequest>(WorkKind::activity, timeout);
}

template <typename R>
Status HubWorkItems::ask(const WorkItemToken& token, R request) {
  if (token.partition >= router_.partitions()) return {};  // not one of ours: stale
  const auto answer = std::make_shared<Rendezvous<Status>>();
  request.token = token;
  request.done = [answer](Status status) { answer->give(std::move(status)); };
  INGOT_TRY(router_.offer(PartitionId(token.partition), std::move(request)));
  return answer->take();
}

Status HubWorkItems::complete_orchestration(const WorkItemToken& token,
                                            const OrchestrationOutcome& outcome) {
  CompleteOrchestrationRequest request;
  request.outcome = outcome;
  return ask(token, std::move(request));
}

Status HubWorkItems::complete_entity(const WorkItemToken& token, const EntityOutcome& outcome) {
  CompleteEntityRequest request;
  request.outcome = outcome;
  return ask(token, std::move(request));
}

Status HubWorkItems::complete_activity(const WorkItemToken& token,
                                       const std::optional<std::string>& result) {
  CompleteActivityRequest request;
  request.result = result;
  return ask(token, std::move(request));
}

Status HubWorkItems::fail_activity(const WorkItemToken& token, const FailureDetails& failure) {
  CompleteActivityRequest request;
  request.failure = failure;
  return ask(token, std::move(request));
}

Status HubWorkItems::abandon_orchestration(const WorkItemToken& token) {
  return ask(token, AbandonRequest{});
}

Status HubWorkItems::abandon_entity(const WorkItemToken& token) {
  return ask(token, AbandonRequest{});
}

Status HubWorkItems::abandon_activity(const WorkItemToken& token) {
  return ask(token, AbandonRequest{});
}

}  // namespace ingot::partition
