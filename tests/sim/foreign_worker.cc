#include "tests/sim/foreign_worker.h"

#include <ingot/entity_id.h>

#include <algorithm>
#include <utility>

#include "core/activity_runner.h"
#include "core/entity_runner.h"
#include "core/execution.h"
#include "core/hash.h"
#include "core/history_codec.h"
#include "tests/sim/check_fences.h"

namespace ingot::sim {

using namespace partition;  // NOLINT(google-build-using-namespace)

namespace {

constexpr std::size_t kStaleMax = 64;

std::string encode(const std::vector<HistoryEvent>& events) {
  std::string bytes;
  for (const HistoryEvent& event : events) encode_event(event, bytes);
  return bytes;
}

const WorkItemToken& token_of(const OrchestrationWorkItem& item) { return item.token; }
const WorkItemToken& token_of(const EntityWorkItem& item) { return item.token; }
const WorkItemToken& token_of(const ActivityWorkItem& item) { return item.token; }
WorkKind kind_of(const OrchestrationWorkItem&) { return WorkKind::orchestration; }
WorkKind kind_of(const EntityWorkItem&) { return WorkKind::entity; }
WorkKind kind_of(const ActivityWorkItem&) { return WorkKind::activity; }

// What one execution leaves behind may have the numbers of what the next one asks for.
template <typename Found>
ExecutionId execution_of(const Found& item) {
  if constexpr (std::is_same_v<Found, ActivityWorkItem>) {
    return item.execution_id;
  } else {
    return {};
  }
}

bool same_work(const WorkItemToken& a, const WorkItemToken& b) {
  return a.partition == b.partition && a.sequence == b.sequence && a.task_id == b.task_id;
}

template <typename T>
T take_any(std::vector<T>& from, Random& random) {
  std::swap(from[random.below(from.size())], from.back());
  T taken = std::move(from.back());
  from.pop_back();
  return taken;
}

}  // namespace

void ForeignWorker::offer(WorkKind kind, WorkOffer offered) {
  offers_.push_back({kind, offered.partition, offered.sequence, offered.task_id});
}
void ForeignWorker::released(WorkKind /*kind*/) {}

void ForeignWorker::crashed() {
  offers_.clear();
  for (const Item& item : std::exchange(held_, {})) {
    std::visit([&](const auto& one) { ended(kind_of(one), token_of(one)); }, item);
  }
  for (const Stale& forgotten : std::exchange(forgotten_, {})) {
    ended(forgotten.kind, forgotten.token);
  }
}

void ForeignWorker::ended(WorkKind kind, const WorkItemToken& token) {
  if (stale_.size() < kStaleMax) stale_.push_back({kind, token, {}});
}

bool ForeignWorker::turn() {
  if (hub_->down()) return false;
  const bool any = !offers_.empty() || !held_.empty();
  for (std::size_t i = offers_.size(); i != 0; --i) {
    if (!random_.one_in(3)) lock(take_any(offers_, random_));
  }
  for (std::size_t i = held_.size(); i != 0; --i) {
    if (random_.one_in(2)) work_on(take_any(held_, random_));
  }
  if (!behaves_ && !stale_.empty() && random_.one_in(8)) {
    complete_stale(take_any(stale_, random_));
  }
  return any;
}

// --- locks ------------------------------------------------------------------------------------

void ForeignWorker::lock(const Offer& offer) {
  Request request;
  switch (offer.kind) {
    case WorkKind::orchestration:
      request = LockOrchestrationRequest{
          offer.sequence, [this](const Result<OrchestrationWorkItem>& item) { locked(item); }};
      break;
    case WorkKind::entity:
      request = LockEntityRequest{offer.sequence,
                                  [this](const Result<EntityWorkItem>& item) { locked(item); }};
      break;
    case WorkKind::activity:
      request = LockActivityRequest{offer.sequence, offer.task_id,
                                    [this](const Result<ActivityWorkItem>& item) { locked(item); }};
  }
  if (!hub_->offer(offer.partition, std::move(request))) offers_.push_back(offer);
}

template <typename Found>
void ForeignWorker::locked(const Result<Found>& item) {
  if (!item.ok()) return;  // done in the meantime, or the hub is down
  const WorkItemToken& token = token_of(*item);
  hash_ = hash64(item->instance_id, hash_ + token.lock);
  const PartitionState& durable = media_.state(PartitionId(token.partition));
  findings_.trace(PartitionId(token.partition), [&] {
    return "lock " + std::to_string(token.lock) + " of '" + item->instance_id + "', task " +
           std::to_string(token.task_id);
  });
  if constexpr (std::is_same_v<Found, ActivityWorkItem>) {
    media_.durability().activity_given(SequenceNumber(token.sequence), token.task_id,
                                       item->instance_id, durable);
  } else if constexpr (std::is_same_v<Found, OrchestrationWorkItem>) {
    media_.durability().step_given(*item, durable);
  }
  // Whoever had it before has it no more.
  const auto replaced = [&](const Stale& old) {
    if (!same_work(old.token, token) || old.execution != execution_of(*item)) return false;
    ended(old.kind, old.token);
    return true;
  };
  std::erase_if(forgotten_, replaced);
  std::erase_if(held_, [&](const Item& held) {
    return std::visit(
        [&](const auto& one) {
          return replaced({kind_of(one), token_of(one), execution_of(one)});
        },
        held);
  });
  held_.emplace_back(*item);
}

// --- work -------------------------------------------------------------------------------------

void ForeignWorker::work_on(Item item) {
  const std::uint64_t fate = behaves_ ? 99 : random_.below(24);
  if (fate == 0) return abandon(item);
  if (fate == 1) {
    std::visit(
        [&](const auto& one) {
          forgotten_.push_back({kind_of(one), token_of(one), execution_of(one)});
        },
        item);
    return;
  }
  std::visit([&](const auto& one) { complete(one); }, item);
}

template <typename R>
void ForeignWorker::send(const WorkItemToken& token, WorkKind kind, R request) {
  request.token = token;
  request.done = [this, kind, token](const Status& status) {
    if (status.code() == StatusCode::invalid_argument) {
      findings_.violated("outcome", PartitionId(token.partition), {},
                         "a worker's outcome is refused: " + status.to_string());
    }
    if (status.ok()) ended(kind, token);
  };
  ++completed_;
  static_cast<void>(hub_->offer(PartitionId(token.partition), std::move(request)));
}

void ForeignWorker::abandon(const Item& item) {
  std::visit([&](const auto& one) { send(token_of(one), kind_of(one), AbandonRequest{}); }, item);
}

void ForeignWorker::complete(const ActivityWorkItem& item) {
  CompleteActivityRequest request;
  const Activity* activity = registry_.find_activity(item.name);
  const std::string input = item.input.value_or("");
  const ActivityOutcome outcome =
      run_activity(*activity, ActivityContext{item.name, item.instance_id, item.task_id, input});
  if (outcome.ok) {
    request.result = outcome.result;
  } else {
    request.failure = outcome.failure;
  }
  send(item.token, WorkKind::activity, std::move(request));
}

void ForeignWorker::complete(const OrchestrationWorkItem& item) {
  Execution execution(*registry_.find_orchestrator(item.name));
  if (!item.history.empty()) execution.replay(encode(item.history));
  std::string actions;
  const StepResult step = execution.step(encode(item.new_events), actions);
  CompleteOrchestrationRequest request;
  request.outcome.actions = *decode_history(actions);
  request.outcome.custom_status = step.custom_status;
  request.outcome.carry_over = *decode_history(step.carry_over);
  send(item.token, WorkKind::orchestration, std::move(request));
}

void ForeignWorker::complete(const EntityWorkItem& item) {
  const std::string operations = encode(item.operations);
  EntityBatch batch;
  batch.entity_id = item.instance_id;
  if (item.state) batch.state = *item.state;
  batch.operations = operations;
  batch.now = hub_->now();
  batch.seed = item.token.lock;
  const EntityBatchResult result =
      run_entity_batch(registry_.find_entity(parse_entity_id(item.instance_id)->name), batch);
  CompleteEntityRequest request;
  if (result.change == StateChange::set) request.outcome.state = result.state;
  if (result.change == StateChange::unchanged) request.outcome.state = item.state;
  request.outcome.actions = *decode_history(result.actions);
  send(item.token, WorkKind::entity, std::move(request));
}

void ForeignWorker::complete_stale(const Stale& stale) {
  ++stale_count_;
  Request request;
  const auto done = [this, stale](const Status& status) {
    if (status.ok() || hub_->down()) return;
    if (status.code() != StatusCode::invalid_argument) return;
    findings_.violated("(h) fences", PartitionId(stale.token.partition), {},
                       "an old token is answered with " + status.to_string());
  };
  switch (stale.kind) {
    case WorkKind::activity:
      request = CompleteActivityRequest{stale.token, std::string(kStaleMark), std::nullopt, done};
      break;
    case WorkKind::orchestration: {
      HistoryEvent end;
      end.kind = HistoryEventKind::execution_completed;
      end.event_id = 5000;
      end.status = RuntimeStatus::completed;
      end.data = std::string(kStaleMark);
      CompleteOrchestrationRequest complete;
      complete.token = stale.token;
      complete.outcome.actions.push_back(end);
      complete.done = done;
      request = std::move(complete);
      break;
    }
    case WorkKind::entity: {
      CompleteEntityRequest complete;
      complete.token = stale.token;
      complete.outcome.state = std::string(kStaleMark);
      complete.done = done;
      request = std::move(complete);
    }
  }
  static_cast<void>(hub_->offer(PartitionId(stale.token.partition), std::move(request)));
}

}  // namespace ingot::sim
