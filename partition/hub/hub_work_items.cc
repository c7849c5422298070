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

void HubWorkItems::offer_orchestration(PartitionId partition, SequenceNumber sequence) {
  {
    const std::lock_guard lock(mutex_);
    orchestrations_.push_back({partition, sequence, -1});
  }
  offered_.notify_all();
}

void HubWorkItems::offer_activity(PartitionId partition, SequenceNumber sequence,
                                  std::int32_t task_id) {
  {
    const std::lock_guard lock(mutex_);
    activities_.push_back({partition, sequence, task_id});
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

Result<OrchestrationWorkItem> HubWorkItems::lock_orchestration(Duration timeout) {
  const auto until = deadline_of(timeout);
  for (;;) {
    INGOT_ASSIGN(const Offer offer, next_offer(orchestrations_, until));
    const auto answer = std::make_shared<Rendezvous<Result<OrchestrationWorkItem>>>();
    LockOrchestrationRequest request;
    request.sequence = offer.sequence;
    request.done = [answer](Result<OrchestrationWorkItem> item) { answer->give(std::move(item)); };
    if (Status taken = router_.offer(offer.partition, std::move(request)); !taken.ok()) {
      offer_orchestration(offer.partition, offer.sequence);
      return taken;
    }
    Result<OrchestrationWorkItem> item = answer->take();
    if (item.ok() || item.status().code() != StatusCode::not_found) return item;
  }
}

Result<ActivityWorkItem> HubWorkItems::lock_activity(Duration timeout) {
  const auto until = deadline_of(timeout);
  for (;;) {
    INGOT_ASSIGN(const Offer offer, next_offer(activities_, until));
    const auto answer = std::make_shared<Rendezvous<Result<ActivityWorkItem>>>();
    LockActivityRequest request;
    request.sequence = offer.sequence;
    request.task_id = offer.task_id;
    request.done = [answer](Result<ActivityWorkItem> item) { answer->give(std::move(item)); };
    if (Status taken = router_.offer(offer.partition, std::move(request)); !taken.ok()) {
      offer_activity(offer.partition, offer.sequence, offer.task_id);
      return taken;
    }
    Result<ActivityWorkItem> item = answer->take();
    if (item.ok() || item.status().code() != StatusCode::not_found) return item;
  }
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

Status HubWorkItems::abandon_activity(const WorkItemToken& token) {
  return ask(token, AbandonRequest{});
}

}  // namespace ingot::partition
