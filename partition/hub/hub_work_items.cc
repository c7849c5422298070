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

void HubWorkItems::offer(std::deque<Offer>& offers, const Offer& offered) {
  {
    const std::lock_guard lock(mutex_);
    offers.push_back(offered);
  }
  offered_.notify_all();
}

void HubWorkItems::offer_orchestration(PartitionId partition, SequenceNumber sequence) {
  offer(orchestrations_, {partition, sequence, -1});
}

void HubWorkItems::offer_entity(PartitionId partition, SequenceNumber sequence) {
  offer(entities_, {partition, sequence, -1});
}

void HubWorkItems::offer_activity(PartitionId partition, SequenceNumber sequence,
                                  std::int32_t task_id) {
  offer(activities_, {partition, sequence, task_id});
}

void HubWorkItems::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  offered_.notify_all();
}

Result<HubWorkItems::Offer> HubWorkItems::next_offer(std::deque<Offer>& offers,
                                                     std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(mutex_);
  offered_.wait_until(lock, until, [&] { return closed_ || !offers.empty(); });
  if (closed_) return Status(StatusCode::cancelled, "the task hub is closed");
  if (offers.empty()) return Status(StatusCode::timed_out, "no work item came in time");
  const Offer offer = offers.front();
  offers.pop_front();
  return offer;
}

template <typename Item, typename R>
Result<Item> HubWorkItems::lock_next(std::deque<Offer>& offers, Duration timeout) {
  const auto until = deadline_of(timeout);
  for (;;) {
    INGOT_ASSIGN(const Offer next, next_offer(offers, until));
    const auto answer = std::make_shared<Rendezvous<Result<Item>>>();
    R request;
    request.sequence = next.sequence;
    if constexpr (requires { request.task_id; }) request.task_id = next.task_id;
    request.done = [answer](Result<Item> item) { answer->give(std::move(item)); };
    if (Status taken = router_.offer(next.partition, std::move(request)); !taken.ok()) {
      offer(offers, next);
      return taken;
    }
    Result<Item> item = answer->take();
    if (item.ok() || item.status().code() != StatusCode::not_found) return item;
  }
}

Result<OrchestrationWorkItem> HubWorkItems::lock_orchestration(Duration timeout) {
  return lock_next<OrchestrationWorkItem, LockOrchestrationRequest>(orchestrations_, timeout);
}

Result<EntityWorkItem> HubWorkItems::lock_entity(Duration timeout) {
  return lock_next<EntityWorkItem, LockEntityRequest>(entities_, timeout);
}

Result<ActivityWorkItem> HubWorkItems::lock_activity(Duration timeout) {
  return lock_next<ActivityWorkItem, LockActivityRequest>(activities_, timeout);
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
