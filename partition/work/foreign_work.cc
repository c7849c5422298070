#include "partition/work/foreign_work.h"

#include <algorithm>
#include <utility>

#include "core/activity_runner.h"
#include "core/hash.h"
#include "core/history_codec.h"
#include "core/planted_bug.h"
#include "core/try.h"
#include "partition/apply/apply.h"
#include "partition/shard/answer.h"
#include "partition/state/row.h"
#include "partition/work/action_check.h"
#include "partition/work/activity_dispatch.h"
#include "partition/work/scheduled_activity.h"
#include "partition/work/step_failure.h"

namespace ingot::partition {
namespace {

using Kind = HistoryEventKind;

constexpr std::size_t kStepTraceMax = 1024;

// The id is that of something still to come: of an earlier step, or of the first `count` actions.
bool taken(std::int32_t id, const Instance& instance, const OrchestrationOutcome& outcome,
           std::size_t count) {
  const auto end = outcome.actions.begin() + static_cast<std::ptrdiff_t>(count);
  return instance.waits_for(id) ||
         std::any_of(outcome.actions.begin(), end, [&](const HistoryEvent& action) {
           return action.event_id == id && action.kind != Kind::event_sent &&
                  action.kind != Kind::entity_unlock_sent &&
                  action.kind != Kind::entity_operation_signaled;
         });
}

Status nothing_to_do() {
  return Status(StatusCode::not_found, "the work item has been done in the meantime");
}

// A stale token is accepted. What made it stale may be the same outcome, and not be durable yet.
void ignore_stale(EffectGate& gate, const Recorder& recorder, std::function<void(Status)>& done) {
  answer_when_durable(gate, recorder.position(), std::move(done), Status{});
}

}  // namespace

void ForeignWork::offer(WorkKind kind, WorkOffer offered) {
  gate_.hold(recorder_.position(),
             [this, kind, offered = std::move(offered)](const Status& status) mutable {
               if (status.ok()) environment_.board.offer(kind, std::move(offered));
             });
}

void ForeignWork::offer_orchestration(const Instance& instance, Session& session) {
  if (!mark_offered(session)) return;
  const HistoryEventView started = started_event(instance);
  offer(WorkKind::orchestration, {state_.partition, instance.sequence, -1,
                                  std::string(started.name), std::string(started.version)});
}

void ForeignWork::offer_entity(const Instance& instance) {
  if (!mark_offered(sessions_.get(instance.sequence))) return;
  // "@name@key"
  std::string name = instance.id.substr(1, instance.id.find('@', 1) - 1);
  offer(WorkKind::entity, {state_.partition, instance.sequence, -1, std::move(name), {}});
}

bool ForeignWork::mark_offered(Session& session) {
  if (session.foreign == nullptr) session.foreign = std::make_unique<ForeignStep>();
  if (session.foreign->lock.held()) return false;
  return !std::exchange(session.foreign->offered, true);
}

void ForeignWork::offer_activity(const TaskKey& task, const HistoryEventView& scheduled,
                                 std::uint64_t history_offset) {
  const auto [lock, fresh] = activities_.try_emplace(ActivityPlace(task));
  if (!fresh) return;
  lock->second.history_offset = history_offset;
  offer_activity_again(task, scheduled);
}

void ForeignWork::offer_activity_again(const TaskKey& task, const HistoryEventView& scheduled) {
  std::string_view version = scheduled.version;
  // Not all SDKs give activities a version: without one it has its orchestration's, so that workers
  // that ask for one version get what they have scheduled.
  if (version.empty()) {
    const Instance* instance = state_.instances.find(task.sequence);
    if (instance != nullptr && instance->generation == task.generation) {
      version = started_event(*instance).version;
    }
  }
  offer(WorkKind::activity, {state_.partition, task.sequence, task.task_id,
                             std::string(scheduled.name), std::string(version)});
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
  deadlines_.emplace(std::pair(lock.deadline, lock.id), Held{sequence, task_id, fails, kind});
  return lock.id;
}

void ForeignWork::end_hold(const WorkLock& lock) {
  if (!lock.held() || deadlines_.erase({lock.deadline, lock.id}) == 0) return;
  if (const auto unanswered = unanswered_.find(lock.id); unanswered != unanswered_.end()) {
    unanswered->second = true;
    return;
  }
  environment_.board.released(lock.kind);
}

void ForeignWork::release_all() {
  for (const auto& [deadline, held] : std::exchange(deadlines_, {})) {
    environment_.board.released(held.kind);
  }
}

template <typename Done, typename Item>
void ForeignWork::answer_lock(const WorkLock& lock, Done& done, Item item) {
  unanswered_.emplace(lock.id, false);
  gate_.hold(recorder_.position(),
             [this, id = lock.id, deadline = lock.deadline, kind = lock.kind,
              done = std::move(done), item = std::move(item)](const Status& status) mutable {
               const bool over = unanswered_.extract(id).mapped();
               if (!status.ok()) {
                 deadlines_.erase({deadline, id});
                 return done(status);
               }
               done(std::move(item));
               if (over) environment_.board.released(kind);
             });
}

void ForeignWork::release(WorkLock& lock) {
  end_hold(lock);
  lock = WorkLock{};
}

// The step's part of the session goes with its lock, and with that a session that has nothing else.
void ForeignWork::settle(SequenceNumber sequence) {
  Session* session = sessions_.find(sequence);
  if (session == nullptr || session->foreign == nullptr) return;
  if (session->foreign->offered || session->foreign->lock.id != 0) return;
  session->foreign.reset();
  if (!session->execution) sessions_.drop_execution(*session);
}

const Instance* ForeignWork::lock_offered(SequenceNumber sequence, Duration monotonic,
                                          WorkItemToken& token) {
  const Instance* instance = state_.instances.find(sequence);
  Session* session = sessions_.find(sequence);
  if (instance == nullptr || session == nullptr || session->foreign == nullptr ||
      !session->foreign->offered) {
    return nullptr;
  }
  ForeignStep& step = *session->foreign;
  step.offered = false;
  if (instance->inbox_count == 0 || instance->blocked()) {
    settle(sequence);
    return nullptr;
  }
  const WorkKind kind = instance->entity ? WorkKind::entity : WorkKind::orchestration;
  token = {state_.partition.value, sequence.value, lock(sequence, -1, kind, monotonic, step.lock),
           -1};
  step.lock.messages = instance->inbox_count;
  if (instance->entity != nullptr) {
    step.lock.messages =
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
  started.kind = Kind::orchestrator_started;
  started.timestamp = recorder_.now();
  sessions_.find(request.sequence)->foreign->lock.told = started.timestamp.time_since_epoch();
  item.new_events.push_back(std::move(started));
  for (HistoryEvent& event : *inbox) item.new_events.push_back(std::move(event));
  answer_lock(sessions_.find(request.sequence)->foreign->lock, request.done, std::move(item));
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
  const std::uint32_t count = sessions_.find(request.sequence)->foreign->lock.messages;
  for (std::uint32_t i = 0; i < count; ++i) {
    item.operations.push_back(to_event(decode_trusted_event(reader)));
  }
  answer_lock(sessions_.find(request.sequence)->foreign->lock, request.done, std::move(item));
}

void ForeignWork::take(LockActivityRequest& request, Duration monotonic) {
  // An activity of each of several executions may have this id: any that waits will do.
  auto next = activities_.lower_bound({request.sequence, request.task_id, 0});
  while (next != activities_.end() && next->first.names(request.sequence, request.task_id)) {
    const auto offered = next++;
    if (offered->second.held()) continue;
    const std::optional<ScheduledActivity> found =
        find_activity(state_, offered->first.task(), offered->second.history_offset);
    if (!found) {
      activities_.erase(offered);
      continue;
    }
    ActivityWorkItem item;
    item.token = {
        state_.partition.value, request.sequence.value,
        lock(request.sequence, request.task_id, WorkKind::activity, monotonic, offered->second),
        request.task_id};
    item.instance_id = found->instance_id;
    item.execution_id = found->execution_id;
    item.task_id = request.task_id;
    item.name = found->event.name;
    if (found->event.has_data) item.input = std::string(found->event.data);
    item.version = found->event.version;
    item.trace_parent = found->event.trace_parent;
    item.tags = decode_tags(found->event.tags).value_or(Tags{});
    answer_lock(offered->second, request.done, std::move(item));
    return;
  }
  request.done(nothing_to_do());
}

ForeignWork::Locked ForeignWork::find_locked(const WorkItemToken& token) {
  Locked found;
  if (token.lock == 0) return found;
  const SequenceNumber sequence(token.sequence);
  if (token.task_id >= 0) {
    auto next = activities_.lower_bound({sequence, token.task_id, 0});
    for (; next != activities_.end() && next->first.names(sequence, token.task_id); ++next) {
      if (next->second.id != token.lock) continue;
      found.lock = &next->second;
      found.task = next->first.task();
    }
    return found;
  }
  found.session = sessions_.find(sequence);
  found.instance = state_.instances.find(sequence);
  if (found.session == nullptr || found.session->foreign == nullptr || found.instance == nullptr ||
      (found.session->foreign->lock.id != token.lock && !INGOT_PLANTED(kIgnoreFencing))) {
    return {};
  }
  found.lock = &found.session->foreign->lock;
  return found;
}

ForeignWork::Locked ForeignWork::find_locked(const WorkItemToken& token, WorkKind kind) {
  Locked found = find_locked(token);
  return found && found.lock->kind == kind ? found : Locked();
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
  // What is still to be given back before the next critical section. Before they are granted none
  // can be.
  std::vector<std::string> locked;
  if (instance.locks != nullptr) locked = instance.locks->entities;
  const bool granted = instance.locks != nullptr && instance.locks->granted;
  bool asked = false;
  bool ended = false;
  for (HistoryEvent action : outcome.actions) {
    const auto invalid = [&](std::string why) {
      return Status(StatusCode::invalid_argument, "action " + std::to_string(ordinal) + " (" +
                                                      std::string(to_string(action.kind)) +
                                                      "): " + std::move(why));
    };
    if (action.kind == Kind::orchestrator_started) {
      // Of this step's: what its worker wants to be told with the history.
      if (action.trace_parent.size() > kStepTraceMax) return invalid("its trace is too long");
      ++ordinal;
      continue;
    }
    const bool completes =
        action.kind == Kind::execution_completed || action.kind == Kind::continue_as_new;
    if (completes && action.event_id < next_id) action.event_id = next_id;
    if (action.event_id < 0) return invalid("it has no event id");
    if (action.event_id > PendingTasks::kIdMax) return invalid("its event id is too large");
    if (action.event_id < next_id && taken(action.event_id, instance, outcome, ordinal)) {
      return invalid("its event id " + std::to_string(action.event_id) +
                     " is still waited for; the next one is " + std::to_string(next_id));
    }
    next_id = std::max(next_id, action.event_id + 1);
    action.timestamp = recorder_.now();
    if (action.kind == Kind::sub_orchestration_created && action.instance_id.empty()) {
      action.instance_id = to_string(instance.execution_id) + ":" + std::to_string(action.event_id);
    }
    const std::size_t start = actions.size();
    encode_event(action, actions);
    Reader reader(std::string_view(actions).substr(start));
    const HistoryEventView decoded = decode_event(reader);
    if (!reader.ok()) return invalid("its parts can't be encoded");
    if (Status valid = check_action(decoded, limit); !valid.ok()) {
      return invalid(std::string(valid.message()));
    }
    if (completes) {
      if (std::exchange(ended, true)) return invalid("a second completion");
    } else if (action.kind == Kind::entity_unlock_sent) {
      if (granted && !asked) std::erase(locked, action.instance_id);
    } else if (action.kind == Kind::entity_lock_requested) {
      if (asked || !locked.empty()) return invalid("a critical section within another one");
      asked = true;
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
    if (action.kind == Kind::execution_started) {
      std::string seed = instance.id;
      put_fixed64(seed, recorder_.position().value);
      put_varint(seed, ordinal);
      action.execution_id = {hash64(seed, 1), hash64(seed, 2) | 1};
    }
    const std::size_t start = actions.size();
    encode_event(action, actions);
    Reader reader(std::string_view(actions).substr(start));
    const HistoryEventView decoded = decode_event(reader);
    Status valid = check_entity_action(decoded, limit);
    if (!reader.ok()) valid = Status(StatusCode::invalid_argument, "its parts can't be encoded");
    if (!valid.ok()) {
      return valid.with_context("action " + std::to_string(ordinal) + " (" +
                                std::string(to_string(action.kind)) + ")");
    }
    ++ordinal;
  }
  return actions;
}

void ForeignWork::take(CompleteOrchestrationRequest& request) {
  const Locked held = find_locked(request.token, WorkKind::orchestration);
  if (!held) return ignore_stale(gate_, recorder_, request.done);
  const Instance* instance = held.instance;
  Result<std::string> actions = encode_actions(request.outcome, *instance);
  if (!actions.ok()) {
    request.done(actions.status());
    return;
  }
  // What it was told the time is, it must be told whenever it is replayed.
  HistoryEventView started;
  started.kind = Kind::orchestrator_started;
  started.timestamp = Timestamp(held.lock->told);
  for (const HistoryEvent& action : request.outcome.actions) {
    if (action.kind == Kind::orchestrator_started) {
      started.trace_parent = action.trace_parent;
    }
  }
  std::string step;
  encode_event(started, step);
  step += *actions;
  StepCompleted body;
  body.sequence = instance->sequence;
  body.generation = instance->generation;
  const std::uint32_t seen =
      INGOT_PLANTED(kConsumeUnseen) ? instance->inbox_count : held.lock->messages;
  body.consumed = std::clamp(request.outcome.messages_max, 1U, seen);
  body.has_custom_status = request.outcome.custom_status.has_value();
  if (request.outcome.custom_status) body.custom_status = *request.outcome.custom_status;
  body.actions = step;
  std::string carry_over;
  const auto continues = [](const HistoryEvent& action) {
    return action.kind == Kind::continue_as_new;
  };
  const bool carries_on =
      std::any_of(request.outcome.actions.begin(), request.outcome.actions.end(), continues);
  if (carries_on) {
    body.next_execution_id = {random_.next(), random_.next() | 1};
    for (HistoryEvent event : request.outcome.carry_over) {
      if (!is_client_message(event.kind)) {
        request.done(Status(StatusCode::invalid_argument,
                            "a " + std::string(to_string(event.kind)) + " can't be carried over"));
        return;
      }
      event.event_id = -1;
      if (event.timestamp == Timestamp()) event.timestamp = recorder_.now();
      const std::size_t start = carry_over.size();
      encode_event(event, carry_over);
      Reader reader(std::string_view(carry_over).substr(start));
      static_cast<void>(decode_event(reader));
      if (!reader.ok()) {
        request.done(Status(StatusCode::invalid_argument,
                            "the parts of a " + std::string(to_string(event.kind)) +
                                " that is carried over can't be encoded"));
        return;
      }
    }
    body.carry_over = carry_over;
  }
  const std::uint64_t step_bytes = step.size() + carry_over.size();
  std::string failed;
  if (const auto too_large = step_too_large(*instance, step_bytes, [=] { return carries_on; })) {
    failed = encode_failed_completion(*too_large, instance->next_action_id, recorder_.now());
    body.actions = failed;
    body.carry_over = {};
    body.next_execution_id = {};
  }
  release(*held.lock);
  record_and_answer(recorder_, gate_, body, request.done, Status{});
  settle(body.sequence);
}

void ForeignWork::take(CompleteEntityRequest& request) {
  const Locked held = find_locked(request.token, WorkKind::entity);
  if (!held) return ignore_stale(gate_, recorder_, request.done);
  const Instance* instance = held.instance;
  const Result<std::string> actions = encode_actions(request.outcome, *instance);
  if (!actions.ok()) {
    request.done(actions.status());
    return;
  }
  EntityStepCompleted body;
  body.sequence = instance->sequence;
  body.consumed = std::min(held.lock->messages, request.outcome.operations_max);
  if (request.outcome.state) {
    body.change = StateChange::set;
    body.entity_state = *request.outcome.state;
  } else {
    body.change = StateChange::deleted;
  }
  body.actions = *actions;
  release(*held.lock);
  record_and_answer(recorder_, gate_, body, request.done, Status{});
  settle(body.sequence);
}

void ForeignWork::take(CompleteActivityRequest& request) {
  const Locked held = find_locked(request.token, WorkKind::activity);
  if (!held) return ignore_stale(gate_, recorder_, request.done);
  ActivityOutcome outcome;
  outcome.ok = !request.failure.has_value();
  if (request.failure) outcome.failure = *request.failure;
  if (request.result) outcome.result = *request.result;
  std::string event;
  encode_outcome(outcome, request.token.task_id, recorder_.now(),
                 environment_.options.payload_bytes_max, event);
  std::string failed;
  const bool fits = has_room_for(state_.instances.find(held.task.sequence), held.task.generation,
                                 event, recorder_.now(), failed);
  release_activity(held);
  record_and_answer(
      recorder_, gate_,
      ActivityCompleted{held.task.sequence, held.task.generation, fits ? event : failed},
      request.done, Status{});
}

void ForeignWork::take(AbandonRequest& request) {
  offer_again(request.token, request.honoured);
  request.done(Status{});
}

void ForeignWork::offer_again(const WorkItemToken& token, bool honoured) {
  const Locked found = find_locked(token);
  if (!found) return;
  WorkLock& lock = *found.lock;
  const bool was_held = lock.held();
  end_hold(lock);
  lock.returned = true;
  if (!honoured) lock.id = 0;
  if (!was_held) {  // it is on the board, or blocked
    if (found.session != nullptr) settle(found.session->sequence);
    return;
  }
  switch (lock.kind) {
    case WorkKind::orchestration:
      return offer_orchestration(*found.instance, *found.session);
    case WorkKind::entity:
      return offer_entity(*found.instance);
    case WorkKind::activity:
      if (const auto scheduled = find_activity(state_, found.task, lock.history_offset)) {
        return offer_activity_again(found.task, scheduled->event);
      }
      activities_.erase(ActivityPlace(found.task));
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
  const Locked held = find_locked(token);
  if (!held) return;
  const std::uint32_t consumed = held.lock->messages;
  release(*held.lock);
  record_failed_step(recorder_, *held.instance, consumed,
                     step_timed_out(environment_.options.orchestrator_step_timeout));
  settle(SequenceNumber(token.sequence));
}

void ForeignWork::forget(Session& session) {
  if (session.foreign != nullptr) release(session.foreign->lock);
}

void ForeignWork::release_activity(const Locked& held) {
  release(*held.lock);
  activities_.erase(ActivityPlace(held.task));
}

Duration ForeignWork::expire(Duration monotonic) {
  while (!deadlines_.empty() && deadlines_.begin()->first.first <= monotonic &&
         !INGOT_PLANTED(kNeverExpire)) {
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
