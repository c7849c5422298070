#include "partition/work/foreign_work.h"

#include <algorithm>
#include <utility>

#include "core/activity_runner.h"
#include "core/hash.h"
#include "core/history_codec.h"
#include "core/try.h"
#include "partition/apply/apply.h"
#include "partition/shard/answer.h"
#include "partition/state/row.h"
#include "partition/work/action_check.h"
#include "partition/work/activity_dispatch.h"
#include "partition/work/step_failure.h"

namespace ingot::partition {
namespace {

// The id is that of something still to come: of an earlier step, or of the first `count` actions.
bool taken(std::int32_t id, const Instance& instance, const OrchestrationOutcome& outcome,
           std::size_t count) {
  const auto end = outcome.actions.begin() + static_cast<std::ptrdiff_t>(count);
  return instance.waits_for(id) ||
         std::any_of(outcome.actions.begin(), end, [&](const HistoryEvent& action) {
           using Kind = HistoryEventKind;
           return action.event_id == id && action.kind != Kind::event_sent &&
                  action.kind != Kind::entity_unlock_sent &&
                  action.kind != Kind::entity_operation_signaled;
         });
}

Status nothing_to_do() {
  return Status(StatusCode::not_found, "the work item has been done in the meantime");
}

}  // namespace

ForeignLocks& ForeignWork::locks(Session& session) {
  if (session.foreign == nullptr) session.foreign = std::make_unique<ForeignLocks>();
  return *session.foreign;
}

void ForeignWork::offer(WorkKind kind, WorkOffer offered) {
  gate_.hold(recorder_.position(),
             [this, kind, offered = std::move(offered)](const Status& status) mutable {
               if (status.ok()) environment_.board.offer(kind, std::move(offered));
             });
}

void ForeignWork::offer_orchestration(const Instance& instance, Session& session) {
  ForeignLocks& locked = locks(session);
  if (locked.orchestration_offered || locked.orchestration.held()) return;
  locked.orchestration_offered = true;
  const HistoryEventView started = started_event(instance);
  offer(WorkKind::orchestration, {state_.partition, instance.sequence, -1,
                                  std::string(started.name), std::string(started.version)});
}

void ForeignWork::offer_entity(const Instance& instance) {
  ForeignLocks& locked = locks(sessions_.get(instance.sequence));
  if (locked.orchestration_offered || locked.orchestration.held()) return;
  locked.orchestration_offered = true;
  // "@name@key"
  std::string name = instance.id.substr(1, instance.id.find('@', 1) - 1);
  offer(WorkKind::entity, {state_.partition, instance.sequence, -1, std::move(name), {}});
}

void ForeignWork::offer_activity(const Instance& instance, std::int32_t task_id,
                                 std::uint64_t history_offset, const HistoryEventView& scheduled) {
  ForeignLocks& locked = locks(sessions_.get(instance.sequence));
  if (locked.generation != instance.generation) {
    // What an earlier execution has asked for is of no use any more.
    release_activities(locked);
    locked.generation = instance.generation;
  }
  const auto [lock, fresh] = locked.activities.try_emplace(task_id);
  if (!fresh) return;
  lock->second.history_offset = history_offset;
  offer(WorkKind::activity, {state_.partition, instance.sequence, task_id,
                             std::string(scheduled.name), std::string(scheduled.version)});
}

std::uint64_t ForeignWork::lock(SequenceNumber sequence, std::int32_t task_id, WorkKind kind,
                                Duration monotonic, WorkLock& lock) {
  // Tokens of an earlier incarnation must not match: the first lock id is random.
  if (last_lock_ == 0) last_lock_ = random_.next() >> 1;
  lock.id = ++last_lock_;
  lock.kind = kind;
  lock.returned = false;
  Duration limit = environment_.options.work_item_timeout;
  Duration fails_after{0};
  if (kind == WorkKind::activity) fails_after = environment_.options.activity_timeout;
  if (kind == WorkKind::orchestration) fails_after = environment_.options.orchestrator_step_timeout;
  const bool fails = fails_after != Duration(0) && fails_after <= limit;
  if (fails) limit = fails_after;
  lock.deadline = monotonic + limit;
  deadlines_.emplace(std::pair(lock.deadline, lock.id), Held{sequence, task_id, fails});
  return lock.id;
}

void ForeignWork::end_hold(const WorkLock& lock) {
  if (!lock.held()) return;
  deadlines_.erase({lock.deadline, lock.id});
  environment_.board.released(lock.kind);
}

void ForeignWork::release(WorkLock& lock) {
  end_hold(lock);
  lock = WorkLock{};
}

const Instance* ForeignWork::lock_offered(SequenceNumber sequence, Duration monotonic,
                                          WorkItemToken& token) {
  const Instance* instance = state_.instances.find(sequence);
  Session* session = sessions_.find(sequence);
  if (instance == nullptr || session == nullptr || session->foreign == nullptr ||
      !session->foreign->orchestration_offered) {
    return nullptr;
  }
  ForeignLocks& held = *session->foreign;
  held.orchestration_offered = false;
  if (instance->inbox_count == 0) return nullptr;
  const WorkKind kind = instance->entity ? WorkKind::entity : WorkKind::orchestration;
  token = {state_.partition.value, sequence.value,
           lock(sequence, -1, kind, monotonic, held.orchestration), -1};
  held.orchestration.messages = instance->inbox_count;
  if (instance->entity != nullptr) {
    held.orchestration.messages =
        std::min(instance->inbox_count, environment_.options.entity_batch_operations_max);
  }
  return instance;
}

void ForeignWork::take(LockOrchestrationRequest& request, Duration monotonic) {
  OrchestrationWorkItem item;
  const Instance* instance = lock_offered(request.sequence, monotonic, item.token);
  if (instance == nullptr) {
    request.done(nothing_to_do());
    return;
  }
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
  sessions_.find(request.sequence)->foreign->orchestration.told =
      started.timestamp.time_since_epoch();
  item.new_events.push_back(std::move(started));
  for (HistoryEvent& event : *inbox) item.new_events.push_back(std::move(event));
  answer_when_durable(gate_, recorder_.position(), std::move(request.done), std::move(item));
}

void ForeignWork::take(LockEntityRequest& request, Duration monotonic) {
  EntityWorkItem item;
  const Instance* instance = lock_offered(request.sequence, monotonic, item.token);
  if (instance == nullptr) {
    request.done(nothing_to_do());
    return;
  }
  item.instance_id = instance->id;
  item.state = instance->entity->state;
  Reader reader(instance->inbox);
  const std::uint32_t count = sessions_.find(request.sequence)->foreign->orchestration.messages;
  for (std::uint32_t i = 0; i < count; ++i) {
    item.operations.push_back(to_event(decode_trusted_event(reader)));
  }
  answer_when_durable(gate_, recorder_.position(), std::move(request.done), std::move(item));
}

void ForeignWork::take(LockActivityRequest& request, Duration monotonic) {
  const Instance* instance = state_.instances.find(request.sequence);
  Session* session = sessions_.find(request.sequence);
  if (instance == nullptr || session == nullptr || session->foreign == nullptr ||
      session->foreign->generation != instance->generation ||
      !instance->tasks.contains(request.task_id)) {
    request.done(nothing_to_do());
    return;
  }
  const auto held = session->foreign->activities.find(request.task_id);
  if (held == session->foreign->activities.end() || held->second.held()) {
    request.done(nothing_to_do());
    return;
  }
  ActivityWorkItem item;
  item.token = {
      state_.partition.value, instance->sequence.value,
      lock(instance->sequence, request.task_id, WorkKind::activity, monotonic, held->second),
      request.task_id};
  item.instance_id = instance->id;
  item.execution_id = instance->execution_id;
  item.task_id = request.task_id;
  Reader reader(std::string_view(instance->history).substr(held->second.history_offset));
  HistoryEvent scheduled = to_event(decode_trusted_event(reader));
  INGOT_ASSERT(reader.ok() && scheduled.event_id == request.task_id, instance->sequence.value);
  item.name = std::move(scheduled.name);
  item.input = std::move(scheduled.data);
  item.version = std::move(scheduled.version);
  item.trace_parent = std::move(scheduled.trace_parent);
  item.tags = std::move(scheduled.tags);
  answer_when_durable(gate_, recorder_.position(), std::move(request.done), std::move(item));
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

Result<std::string> ForeignWork::encode_actions(const OrchestrationOutcome& outcome,
                                                const Instance& instance) const {
  const std::uint64_t limit = environment_.options.payload_bytes_max;
  if (outcome.custom_status && outcome.custom_status->size() > limit) {
    return Status(StatusCode::invalid_argument, "the custom status is over the payload limit");
  }
  std::string actions;
  std::int32_t next_id = instance.next_action_id;
  std::size_t ordinal = 0;
  // Entities of the critical section that are still to be given back before the next one.
  std::size_t locked = instance.locks ? instance.locks->entities.size() : 0;
  bool ended = false;
  for (HistoryEvent action : outcome.actions) {
    const auto invalid = [&](std::string why) {
      return Status(StatusCode::invalid_argument, "action " + std::to_string(ordinal) + " (" +
                                                      std::string(to_string(action.kind)) +
                                                      "): " + std::move(why));
    };
    const bool completes = action.kind == HistoryEventKind::execution_completed ||
                           action.kind == HistoryEventKind::continue_as_new;
    if (completes && action.event_id < next_id) action.event_id = next_id;
    if (action.event_id < 0) return invalid("it has no event id");
    if (action.event_id > PendingTasks::kIdMax) return invalid("its event id is too large");
    if (action.event_id < next_id && taken(action.event_id, instance, outcome, ordinal)) {
      return invalid("its event id " + std::to_string(action.event_id) +
                     " is still waited for; the next one is " + std::to_string(next_id));
    }
    next_id = std::max(next_id, action.event_id + 1);
    action.timestamp = recorder_.now();
    if (action.kind == HistoryEventKind::sub_orchestration_created && action.instance_id.empty()) {
      action.instance_id = to_string(instance.execution_id) + ":" + std::to_string(action.event_id);
    }
    const std::size_t start = actions.size();
    encode_event(action, actions);
    Reader reader(std::string_view(actions).substr(start));
    if (Status valid = check_action(decode_trusted_event(reader), limit); !valid.ok()) {
      return invalid(std::string(valid.message()));
    }
    if (completes) {
      if (std::exchange(ended, true)) return invalid("a second completion");
    } else if (action.kind == HistoryEventKind::entity_unlock_sent) {
      if (locked != 0) --locked;
    } else if (action.kind == HistoryEventKind::entity_lock_requested) {
      if (locked != 0) return invalid("a critical section within another one");
      locked = action.lock_set.size();
    }
    ++ordinal;
  }
  return actions;
}

Result<std::string> ForeignWork::encode_actions(const EntityOutcome& outcome,
                                                const Instance& instance) const {
  const std::uint64_t limit = environment_.options.payload_bytes_max;
  if (outcome.state && outcome.state->size() > limit) {
    return Status(StatusCode::invalid_argument, "the entity's state is over the payload limit");
  }
  std::string actions;
  std::size_t ordinal = 0;
  for (HistoryEvent action : outcome.actions) {
    action.event_id = -1;
    action.timestamp = recorder_.now();
    if (action.kind == HistoryEventKind::execution_started) {
      std::string seed = instance.id;
      put_fixed64(seed, recorder_.position().value);
      put_varint(seed, ordinal);
      action.execution_id = {hash64(seed, 1), hash64(seed, 2) | 1};
    }
    const std::size_t start = actions.size();
    encode_event(action, actions);
    Reader reader(std::string_view(actions).substr(start));
    if (Status valid = check_entity_action(decode_trusted_event(reader), limit); !valid.ok()) {
      return valid.with_context("action " + std::to_string(ordinal) + " (" +
                                std::string(to_string(action.kind)) + ")");
    }
    ++ordinal;
  }
  return actions;
}

void ForeignWork::take(CompleteOrchestrationRequest& request) {
  Session* session = nullptr;
  WorkLock* held = find_lock(request.token, session);
  const Instance* instance = state_.instances.find(SequenceNumber(request.token.sequence));
  if (held == nullptr || instance == nullptr || request.token.task_id >= 0 || instance->entity) {
    request.done(Status{});
    return;
  }
  Result<std::string> actions = encode_actions(request.outcome, *instance);
  if (!actions.ok()) {
    request.done(actions.status());
    return;
  }
  // What it was told the time is, it must be told whenever it is replayed.
  HistoryEventView started;
  started.kind = HistoryEventKind::orchestrator_started;
  started.timestamp = Timestamp(held->told);
  std::string step;
  encode_event(started, step);
  step += *actions;
  StepCompleted body;
  body.sequence = instance->sequence;
  body.generation = instance->generation;
  body.consumed = std::clamp(request.outcome.messages_max, 1U, held->messages);
  body.has_custom_status = request.outcome.custom_status.has_value();
  if (request.outcome.custom_status) body.custom_status = *request.outcome.custom_status;
  body.actions = step;
  std::string carry_over;
  const auto continues = [](const HistoryEvent& action) {
    return action.kind == HistoryEventKind::continue_as_new;
  };
  if (std::any_of(request.outcome.actions.begin(), request.outcome.actions.end(), continues)) {
    body.next_execution_id = {random_.next(), random_.next() | 1};
    for (HistoryEvent event : request.outcome.carry_over) {
      if (!is_client_message(event.kind)) {
        request.done(Status(StatusCode::invalid_argument,
                            "a " + std::string(to_string(event.kind)) + " can't be carried over"));
        return;
      }
      event.event_id = -1;
      encode_event(event, carry_over);
    }
    body.carry_over = carry_over;
  }
  release(*held);
  record_and_answer(recorder_, gate_, body, request.done, Status{});
}

void ForeignWork::take(CompleteEntityRequest& request) {
  Session* session = nullptr;
  WorkLock* held = find_lock(request.token, session);
  const Instance* instance = state_.instances.find(SequenceNumber(request.token.sequence));
  if (held == nullptr || instance == nullptr || request.token.task_id >= 0 || !instance->entity) {
    request.done(Status{});
    return;
  }
  const Result<std::string> actions = encode_actions(request.outcome, *instance);
  if (!actions.ok()) {
    request.done(actions.status());
    return;
  }
  EntityStepCompleted body;
  body.sequence = instance->sequence;
  body.consumed = std::min(held->messages, request.outcome.operations_max);
  if (request.outcome.state) {
    body.change = StateChange::set;
    body.entity_state = *request.outcome.state;
  } else {
    body.change = StateChange::deleted;
  }
  body.actions = *actions;
  release(*held);
  record_and_answer(recorder_, gate_, body, request.done, Status{});
}

void ForeignWork::take(CompleteActivityRequest& request) {
  Session* session = nullptr;
  WorkLock* held = find_lock(request.token, session);
  const Instance* instance = state_.instances.find(SequenceNumber(request.token.sequence));
  if (held == nullptr || instance == nullptr || request.token.task_id < 0 ||
      session->foreign->generation != instance->generation) {
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
  record_and_answer(recorder_, gate_,
                    ActivityCompleted{instance->sequence, instance->generation, event},
                    request.done, Status{});
}

void ForeignWork::take(AbandonRequest& request) {
  offer_again(request.token, request.honoured);
  request.done(Status{});
}

void ForeignWork::offer_again(const WorkItemToken& token, bool honoured) {
  Session* session = nullptr;
  WorkLock* lock = find_lock(token, session);
  const Instance* instance = state_.instances.find(SequenceNumber(token.sequence));
  if (lock == nullptr || instance == nullptr) return;
  const bool was_held = lock->held();
  end_hold(*lock);
  lock->returned = true;
  if (!honoured) lock->id = 0;
  if (!was_held) return;  // it is on the board
  switch (lock->kind) {
    case WorkKind::orchestration:
      return offer_orchestration(*instance, *session);
    case WorkKind::entity:
      return offer_entity(*instance);
    case WorkKind::activity: {
      if (session->foreign->generation != instance->generation) return;
      Reader reader(std::string_view(instance->history).substr(lock->history_offset));
      const HistoryEventView event = decode_trusted_event(reader);
      return offer(WorkKind::activity, {state_.partition, instance->sequence, token.task_id,
                                        std::string(event.name), std::string(event.version)});
    }
  }
}

void ForeignWork::fail(const WorkItemToken& token) {
  if (token.task_id >= 0) {
    CompleteActivityRequest late;
    late.token = token;
    late.failure = activity_timed_out(environment_.options.activity_timeout);
    late.done = [](const Status&) {};
    take(late);
    return;
  }
  Session* session = nullptr;
  WorkLock* held = find_lock(token, session);
  const Instance* instance = state_.instances.find(SequenceNumber(token.sequence));
  if (held == nullptr || instance == nullptr) return;
  const std::uint32_t consumed = held->messages;
  release(*held);
  record_failed_step(recorder_, *instance, consumed,
                     step_timed_out(environment_.options.orchestrator_step_timeout));
}

void ForeignWork::forget(Session& session) {
  if (session.foreign == nullptr) return;
  release(session.foreign->orchestration);
  release_activities(*session.foreign);
}

void ForeignWork::release_activities(ForeignLocks& locks) {
  for (auto& [task_id, lock] : locks.activities) release(lock);
  locks.activities.clear();
}

Duration ForeignWork::expire(Duration monotonic) {
  while (!deadlines_.empty() && deadlines_.begin()->first.first <= monotonic) {
    const auto [deadline, held] = *deadlines_.begin();
    const WorkItemToken token{state_.partition.value, held.sequence.value, deadline.second,
                              held.task_id};
    // Whatever becomes of it, the lock ends and takes the entry with it.
    if (held.fails) {
      fail(token);
    } else {
      offer_again(token, true);
    }
    deadlines_.erase(deadline);
  }
  return deadlines_.empty() ? Duration::max() : deadlines_.begin()->first.first;
}

}  // namespace ingot::partition
