// StepCompleted: one step of an orchestrator, committed as a whole. The consumed messages move from
// the inbox to the history, the actions join it and take effect. It may end the instance, or this
// execution of it.

#include <algorithm>

#include "core/hash.h"
#include "core/planted_bug.h"
#include "core/try.h"
#include "partition/apply/apply.h"
#include "partition/apply/orchestration_end.h"
#include "partition/apply/outgoing.h"
#include "partition/state/row.h"

namespace ingot::partition {
namespace {

using Kind = HistoryEventKind;

Status corrupt_step(const PartitionState& state, std::string_view why) {
  return Status(StatusCode::corrupt, "step at position " + std::to_string(state.applied.value) +
                                         ": " + std::string(why));
}

// Moves the first `count` events of the inbox to the history.
Status consume(PartitionState& state, Instance& instance, std::uint32_t count) {
  if (count > instance.inbox_count) return corrupt_step(state, "consumes more than the inbox has");
  if (count == instance.inbox_count) {
    instance.history.append(instance.inbox);
    instance.inbox.clear();
  } else {
    Reader reader(instance.inbox);
    for (std::uint32_t i = 0; i < count; ++i) static_cast<void>(reader.bytes());
    const std::size_t bytes = instance.inbox.size() - reader.remaining();
    instance.history.append(instance.inbox, 0, bytes);
    instance.inbox.erase(0, bytes);
  }
  instance.inbox_count -= count;
  state.counters.history_events += count;
  return {};
}

// What the consumed messages say beside their place in the history.
struct Control {
  std::optional<bool> suspended;
  bool terminate_recursively = false;
};

Control read_control(std::string_view consumed) {
  Control control;
  Reader reader(consumed);
  while (reader.more()) {
    const HistoryEventView event = decode_trusted_event(reader);
    if (event.kind == Kind::execution_suspended) control.suspended = true;
    if (event.kind == Kind::execution_resumed) control.suspended = false;
    if (event.kind == Kind::execution_terminated) {
      control.terminate_recursively |= event.recurse;
    }
  }
  return control;
}

class ActionApplier {
 public:
  ActionApplier(PartitionState& state, Instance& instance, Timestamp at, Effects& effects)
      : state_(state), instance_(instance), at_(at), effects_(effects) {}

  // The first action that ends the execution; nothing while it goes on.
  std::optional<HistoryEventView> end;

  Status apply(const HistoryEventView& action, std::string_view encoded) {
    if (action.event_id < 0 || action.event_id > PendingTasks::kIdMax) {
      return corrupt_step(state_, "an action id too low or too high");
    }
    // A foreign runtime may take the id of what has ended again, for a retry.
    reused_ = action.event_id < instance_.next_action_id;
    if (reused_ && instance_.waits_for(action.event_id)) {
      return corrupt_step(state_, "an action id that is still waited for");
    }
    instance_.next_action_id = std::max(instance_.next_action_id, action.event_id + 1);
    if (action.kind == Kind::execution_terminated) return terminate_other(action);
    const std::uint64_t offset = instance_.history.size();
    instance_.history.append(encoded);
    ++state_.counters.history_events;
    switch (action.kind) {
      case Kind::task_scheduled:
        instance_.tasks.add(action.event_id);
        effects_.push_back(
            ActivityScheduled{instance_.sequence, instance_.generation, action.event_id, offset});
        return {};
      case Kind::timer_created:
        if (!action.has_fire_at) return corrupt_step(state_, "a timer without a time");
        return add_timer(action.event_id, std::max(action.fire_at, Timestamp{}));
      case Kind::execution_completed:
        if (!is_terminal(action.status)) return corrupt_step(state_, "completes without an end");
        if (!end) end = action;
        return {};
      case Kind::continue_as_new:
        if (!end) end = action;
        return {};
      default:
        return send_action(action);
    }
  }

 private:
  // A time in the past is due at once; before 1970 it would not sort as a key.
  Status add_timer(std::int32_t id, Timestamp fire_at) {
    instance_.timers.push_back({id, fire_at});
    state_.agenda.add({fire_at, instance_.sequence, id, instance_.generation});
    return {};
  }

  // Of another instance; in this one's history it would read as its own end.
  Status terminate_other(const HistoryEventView& action) {
    if (!validate_instance_id(action.instance_id).ok()) {
      return corrupt_step(state_, "a termination of an invalid id");
    }
    HistoryEventView message;
    message.kind = action.kind;
    message.timestamp = at_;
    message.data = action.data;
    message.has_data = action.has_data;
    message.recurse = action.recurse;
    send(state_, action.instance_id, message, effects_);
    return {};
  }

  // The actions that become a message for someone else.
  Status send_action(const HistoryEventView& action) {
    if (action.kind == Kind::entity_lock_requested) return request_locks(action);
    const bool to_entity = action.kind == Kind::entity_operation_called ||
                           action.kind == Kind::entity_operation_signaled ||
                           action.kind == Kind::entity_unlock_sent;
    const bool known = to_entity || action.kind == Kind::event_sent ||
                       action.kind == Kind::sub_orchestration_created;
    if (!known)
      return corrupt_step(state_, std::string(to_string(action.kind)) + " is not an action");
    if (!validate_instance_id(action.instance_id).ok() ||
        (to_entity ? !is_entity_id(action.instance_id)
                   : action.kind == Kind::sub_orchestration_created &&
                         is_entity_id(action.instance_id))) {
      return corrupt_step(state_, "a message is sent to an invalid id");
    }
    if (action.kind == Kind::entity_unlock_sent) return unlock(action);
    HistoryEventView message;
    message.timestamp = at_;
    message.name = action.name;
    message.data = action.data;
    message.has_data = action.has_data;
    message.request_id = action.request_id;
    std::string parent;
    switch (action.kind) {
      case Kind::event_sent:
        message.kind = Kind::event_raised;
        break;
      case Kind::sub_orchestration_created:
        start_child(action, message, parent);
        break;
      case Kind::entity_operation_called:
        instance_.awaited.add(action.event_id);
        send_call(state_, instance_, action, at_, effects_);
        return {};
      default:
        message.kind = action.kind;
        message.has_fire_at = action.has_fire_at;
        message.fire_at = action.fire_at;
        message.trace_parent = action.trace_parent;
        sign(message, instance_);
    }
    send(state_, action.instance_id, message, effects_);
    return {};
  }

  // `parent` holds what the message refers to.
  void start_child(const HistoryEventView& action, HistoryEventView& message, std::string& parent) {
    message.kind = Kind::execution_started;
    message.instance_id = action.instance_id;
    message.version = action.version;
    message.tags = action.tags;
    message.trace_parent = action.trace_parent;
    // Of the parent's execution and action; when that has a second child, of its place as well.
    std::string seed;
    put_fixed64(seed, instance_.execution_id.high);
    put_fixed64(seed, instance_.execution_id.low);
    put_varint(seed, static_cast<std::uint64_t>(action.event_id));
    if (reused_) put_varint(seed, instance_.history.size());
    message.execution_id = {hash64(seed, kChildSeed), hash64(seed, kChildSeed + 1) | 1};
    const HistoryEventView started = started_event(instance_);
    encode_parent(
        {std::string(started.name), instance_.id, instance_.execution_id, action.event_id}, parent);
    message.parent = parent;
    instance_.awaited.add(action.event_id);
  }

  Status request_locks(const HistoryEventView& action) {
    if (instance_.locks != nullptr) return corrupt_step(state_, "a second critical section");
    auto locks = std::make_unique<HeldLocks>();
    locks->event_id = HeldLocks::request_id(action.event_id, instance_.rewinds);
    locks->entities = lock_set_of(action.lock_set);
    const bool entities = std::all_of(locks->entities.begin(), locks->entities.end(), is_entity_id);
    if (locks->entities.empty() || !entities) {
      return corrupt_step(state_, "a critical section of what is no entity");
    }
    instance_.awaited.add(action.event_id);
    instance_.locks = std::move(locks);
    send_lock_request(state_, instance_, at_, effects_);
    return {};
  }

  Status unlock(const HistoryEventView& action) {
    HeldLocks* locks = instance_.locks.get();
    if (locks == nullptr || !locks->granted) return {};  // nothing is held: nothing to give back
    const auto held = std::find(locks->entities.begin(), locks->entities.end(), action.instance_id);
    if (held == locks->entities.end()) return {};
    send_unlock(state_, action.instance_id, {instance_.id, instance_.execution_id, locks->event_id},
                {}, at_, effects_);
    locks->entities.erase(held);
    if (locks->entities.empty()) instance_.locks.reset();
    return {};
  }

  // Part of the format.
  static constexpr std::uint64_t kChildSeed = 0xC411D;

  PartitionState& state_;
  Instance& instance_;
  const Timestamp at_;
  Effects& effects_;
  bool reused_ = false;  // the present action has an id that was taken before
};

// A foreign runtime's step begins with the event as it was sent; other steps begin at their fact.
void append_orchestrator_started(PartitionState& state, Instance& instance, Timestamp at,
                                 Reader& actions) {
  constexpr auto kKind = Kind::orchestrator_started;
  ++state.counters.history_events;
  if (actions.more()) {
    Reader first = actions;
    const bool own = Reader(first.bytes()).u8() == static_cast<std::uint8_t>(kKind);
    first = actions;
    if (own && decode_event(first).kind == kKind && first.ok()) {
      instance.history.append(actions.at(), static_cast<std::size_t>(first.at() - actions.at()));
      actions = first;
      return;
    }
  }
  HistoryEventView event;
  event.kind = kKind;
  event.timestamp = at;
  encode_event(event, instance.history);
}

}  // namespace

Status apply_step_completed(PartitionState& state, const Fact& fact, const StepCompleted& body,
                            Effects& effects) {
  INGOT_ASSIGN(Instance * found, live_instance(state, body.sequence));
  if (found == nullptr || found->generation != body.generation || found->entity != nullptr) {
    return corrupt_step(state, "its instance is not alive");
  }
  Instance& instance = *found;
  state.touch(instance);
  if (instance.history.empty()) {
    // Everything later looks for the start event in the history.
    if (body.consumed == 0) return corrupt_step(state, "the first step does not take the start");
    instance.history.reserve(32 + instance.inbox.size() + body.actions.size());
  }
  Reader actions(body.actions);
  append_orchestrator_started(state, instance, fact.at, actions);
  const std::size_t consumed_from = instance.history.size();
  INGOT_TRY(consume(state, instance, body.consumed));
  Control control;
  if (instance.control_in_inbox) {
    control = read_control(std::string_view(instance.history).substr(consumed_from));
    instance.control_in_inbox = instance.inbox_count != 0;
  }
  if (instance.status == RuntimeStatus::pending) {
    state.set_status(instance, RuntimeStatus::running);
    effects.push_back(InstanceStarted{instance.sequence});
  }
  if (control.suspended && !INGOT_PLANTED(kIgnoreSuspension)) {
    state.set_status(instance,
                     *control.suspended ? RuntimeStatus::suspended : RuntimeStatus::running);
  }
  instance.updated_at = fact.at;
  if (body.has_custom_status) {
    instance.custom_status = std::make_unique<std::string>(body.custom_status);
  }
  ActionApplier applier(state, instance, fact.at, effects);
  while (actions.more()) {
    const char* start = actions.at();
    const HistoryEventView action = decode_event(actions);
    if (!actions.ok()) return corrupt_step(state, "an action can't be decoded");
    INGOT_TRY(applier.apply(action, {start, static_cast<std::size_t>(actions.at() - start)}));
  }
  if (!actions.ok()) return corrupt_step(state, "an action can't be decoded");
  const bool continues = applier.end && applier.end->kind == Kind::continue_as_new;
  if (continues != !body.next_execution_id.empty()) {
    return corrupt_step(state, "a new execution without an id, or the reverse");
  }
  if (continues) return continue_as_new(state, instance, *applier.end, body, fact.at, effects);
  if (applier.end) {
    end_orchestration(state, instance, *applier.end, control.terminate_recursively, fact.at,
                      effects);
    return {};
  }
  state.instances.used(instance);
  if (instance.inbox_count != 0) effects.push_back(StepReady{instance.sequence});
  return {};
}

}  // namespace ingot::partition
