#include "partition/work/foreign_work.h"

#include "core/activity_runner.h"
#include "core/history_codec.h"
#include "core/random.h"
#include "core/try.h"
#include "partition/state/row.h"
#include "partition/work/activity_dispatch.h"

namespace ingot::partition {
namespace {

Status nothing_to_do() {
  return Status(StatusCode::not_found, "the work item has been done in the meantime");
}

}  // namespace

ForeignLocks& ForeignWork::locks(Session& session) {
  if (session.foreign == nullptr) session.foreign = std::make_unique<ForeignLocks>();
  return *session.foreign;
}

void ForeignWork::offer_orchestration(Session& session) {
  ForeignLocks& held = locks(session);
  if (held.orchestration_offered || held.orchestration.id != 0) return;
  held.orchestration_offered = true;
  gate_.hold(recorder_.position(), [this, sequence = session.sequence](const Status& status) {
    if (status.ok()) environment_.board.offer_orchestration(state_.partition, sequence);
  });
}

void ForeignWork::offer_activity(const Instance& instance, std::int32_t task_id) {
  ForeignLocks& held = locks(sessions_.get(instance.sequence));
  if (!held.activities.try_emplace(task_id).second) return;
  gate_.hold(recorder_.position(),
             [this, sequence = instance.sequence, task_id](const Status& status) {
               if (status.ok()) {
                 environment_.board.offer_activity(state_.partition, sequence, task_id);
               }
             });
}

std::uint64_t ForeignWork::lock(SequenceNumber sequence, std::int32_t task_id, Duration monotonic,
                                WorkLock& lock) {
  // Tokens of an earlier incarnation must not match: the first lock id is random.
  if (last_lock_ == 0) last_lock_ = entropy64() >> 1;
  lock.id = ++last_lock_;
  lock.deadline = monotonic + environment_.options.work_item_timeout;
  deadlines_.emplace(std::pair(lock.deadline, lock.id), Held{sequence, task_id});
  return lock.id;
}

void ForeignWork::release(WorkLock& lock) {
  deadlines_.erase({lock.deadline, lock.id});
  lock = WorkLock{};
}

void ForeignWork::take(LockOrchestrationRequest& request, Duration monotonic) {
  const Instance* instance = state_.instances.find(request.sequence);
  Session* session = sessions_.find(request.sequence);
  if (instance == nullptr || session == nullptr || session->foreign == nullptr ||
      !session->foreign->orchestration_offered) {
    request.done(nothing_to_do());
    return;
  }
  ForeignLocks& held = *session->foreign;
  held.orchestration_offered = false;
  if (instance->inbox_count == 0) {
    request.done(nothing_to_do());
    return;
  }
  OrchestrationWorkItem item;
  item.token = {state_.partition.value, instance->sequence.value,
                lock(instance->sequence, -1, monotonic, held.orchestration), -1};
  held.orchestration.messages = instance->inbox_count;
  item.instance_id = instance->id;
  item.execution_id = instance->execution_id;
  item.name = orchestrator_name(*instance);
  Result<std::vector<HistoryEvent>> history = decode_history(instance->history);
  Result<std::vector<HistoryEvent>> inbox = decode_history(instance->inbox);
  INGOT_ASSERT(history.ok() && inbox.ok(), instance->sequence.value);
  item.history = *std::move(history);
  HistoryEvent started;
  started.kind = HistoryEventKind::orchestrator_started;
  started.timestamp = recorder_.now();
  item.new_events.push_back(std::move(started));
  for (HistoryEvent& event : *inbox) item.new_events.push_back(std::move(event));
  gate_.hold(recorder_.position(),
             [done = std::move(request.done), item = std::move(item)](const Status& status) {
               if (status.ok()) {
                 done(item);
               } else {
                 done(status);
               }
             });
}

void ForeignWork::take(LockActivityRequest& request, Duration monotonic) {
  const Instance* instance = state_.instances.find(request.sequence);
  Session* session = sessions_.find(request.sequence);
  if (instance == nullptr || session == nullptr || session->foreign == nullptr ||
      !instance->tasks.contains(request.task_id)) {
    request.done(nothing_to_do());
    return;
  }
  const auto held = session->foreign->activities.find(request.task_id);
  if (held == session->foreign->activities.end() || held->second.id != 0) {
    request.done(nothing_to_do());
    return;
  }
  ActivityWorkItem item;
  item.token = {state_.partition.value, instance->sequence.value,
                lock(instance->sequence, request.task_id, monotonic, held->second),
                request.task_id};
  item.instance_id = instance->id;
  item.execution_id = instance->execution_id;
  item.task_id = request.task_id;
  Reader reader(instance->history);
  while (reader.more()) {
    const HistoryEventView event = decode_trusted_event(reader);
    if (event.kind == HistoryEventKind::task_scheduled && event.event_id == request.task_id) {
      item.name = event.name;
      if (event.has_data) item.input = std::string(event.data);
    }
  }
  gate_.hold(recorder_.position(),
             [done = std::move(request.done), item = std::move(item)](const Status& status) {
               if (status.ok()) {
                 done(item);
               } else {
                 done(status);
               }
             });
}

WorkLock* ForeignWork::find_lock(const WorkItemToken& token, Session*& session) {
  session = sessions_.find(SequenceNumber(token.sequence));
  if (session == nullptr || session->foreign == nullptr || token.lock == 0) return nullptr;
  if (token.task_id < 0) {
    WorkLock& held = session->foreign->orchestration;
    return held.id == token.lock ? &held : nullptr;
  }
  const auto held = session->foreign->activities.find(token.task_id);
  if (held == session->foreign->activities.end() || held->second.id != token.lock) return nullptr;
  return &held->second;
}

Status ForeignWork::check(const OrchestrationOutcome& outcome, const Instance& instance,
                          std::string& actions) const {
  if (outcome.custom_status &&
      outcome.custom_status->size() > environment_.options.payload_bytes_max) {
    return Status(StatusCode::invalid_argument, "the custom status is over the payload limit");
  }
  std::int32_t next_id = instance.next_action_id;
  std::size_t ordinal = 0;
  bool completed = false;
  for (HistoryEvent action : outcome.actions) {
    const auto invalid = [&](std::string why) {
      return Status(StatusCode::invalid_argument, "action " + std::to_string(ordinal) + " (" +
                                                      std::string(to_string(action.kind)) +
                                                      "): " + std::move(why));
    };
    switch (action.kind) {
      case HistoryEventKind::task_scheduled:
        if (Status valid = validate_name("activity", action.name); !valid.ok()) {
          return invalid(valid.message());
        }
        break;
      case HistoryEventKind::timer_created:
        if (!action.fire_at) return invalid("has no fire_at");
        break;
      case HistoryEventKind::event_sent:
        if (Status valid = validate_instance_id(action.instance_id); !valid.ok()) {
          return invalid(valid.message());
        }
        if (Status valid = validate_name("event", action.name); !valid.ok()) {
          return invalid(valid.message());
        }
        break;
      case HistoryEventKind::execution_completed:
        if (!is_terminal(action.status)) return invalid("its status is not terminal");
        if (completed) return invalid("a second completion");
        completed = true;
        break;
      default:
        return invalid("is not an action");
    }
    if (action.event_id < next_id) {
      return invalid("its event id " + std::to_string(action.event_id) +
                     " is not fresh; the next one is " + std::to_string(next_id));
    }
    if (action.event_id > PendingTasks::kIdMax) return invalid("its event id is too large");
    next_id = action.event_id + 1;
    if (action.data && action.data->size() > environment_.options.payload_bytes_max) {
      return invalid("its payload is over the limit");
    }
    action.timestamp = recorder_.now();
    encode_event(action, actions);
    ++ordinal;
  }
  return {};
}

void ForeignWork::take(CompleteOrchestrationRequest& request) {
  Session* session = nullptr;
  WorkLock* held = find_lock(request.token, session);
  const Instance* instance = state_.instances.find(SequenceNumber(request.token.sequence));
  if (held == nullptr || instance == nullptr || request.token.task_id >= 0) {
    request.done(Status{});
    return;
  }
  std::string actions;
  if (Status valid = check(request.outcome, *instance, actions); !valid.ok()) {
    request.done(std::move(valid));
    return;
  }
  StepCompleted body;
  body.sequence = instance->sequence;
  body.generation = instance->generation;
  body.consumed = held->messages;
  body.has_custom_status = request.outcome.custom_status.has_value();
  if (request.outcome.custom_status) body.custom_status = *request.outcome.custom_status;
  body.actions = actions;
  release(*held);
  if (!recorder_.record(body)) {
    request.done(recorder_.failure());
    return;
  }
  gate_.hold(recorder_.position(), [done = std::move(request.done)](const Status& s) { done(s); });
}

void ForeignWork::take(CompleteActivityRequest& request) {
  Session* session = nullptr;
  WorkLock* held = find_lock(request.token, session);
  const Instance* instance = state_.instances.find(SequenceNumber(request.token.sequence));
  if (held == nullptr || instance == nullptr || request.token.task_id < 0) {
    request.done(Status{});
    return;
  }
  ActivityOutcome outcome;
  outcome.ok = !request.failure.has_value();
  if (request.failure) outcome.failure = *request.failure;
  if (request.result) outcome.result = *request.result;
  std::string event;
  encode_outcome(outcome, request.token.task_id, recorder_.now(),
                 environment_.options.payload_bytes_max, event);
  release(*held);
  session->foreign->activities.erase(request.token.task_id);
  if (!recorder_.record(ActivityCompleted{instance->sequence, instance->generation, event})) {
    request.done(recorder_.failure());
    return;
  }
  gate_.hold(recorder_.position(), [done = std::move(request.done)](const Status& s) { done(s); });
}

void ForeignWork::take(AbandonRequest& request) {
  Session* session = nullptr;
  WorkLock* held = find_lock(request.token, session);
  const Instance* instance = state_.instances.find(SequenceNumber(request.token.sequence));
  if (held != nullptr && instance != nullptr) {
    release(*held);
    if (request.token.task_id < 0) {
      offer_orchestration(*session);
    } else {
      session->foreign->activities.erase(request.token.task_id);
      offer_activity(*instance, request.token.task_id);
    }
  }
  request.done(Status{});
}

Duration ForeignWork::expire(Duration monotonic) {
  while (!deadlines_.empty() && deadlines_.begin()->first.first <= monotonic) {
    const std::uint64_t lock = deadlines_.begin()->first.second;
    const Held held = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    AbandonRequest expired;
    expired.token = {state_.partition.value, held.sequence.value, lock, held.task_id};
    expired.done = [](const Status&) {};
    take(expired);
  }
  return deadlines_.empty() ? Duration::max() : deadlines_.begin()->first.first;
}

}  // namespace ingot::partition
