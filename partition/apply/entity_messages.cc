#include "partition/apply/entity_messages.h"

#include <algorithm>
#include <utility>

#include "core/hash.h"
#include "core/planted_bug.h"
#include "partition/apply/apply.h"
#include "partition/apply/outgoing.h"

namespace ingot::partition {
namespace {

using Kind = HistoryEventKind;

CriticalSection section_of(const HistoryEventView& event) {
  return {std::string(event.instance_id), event.execution_id, event.scheduled_id};
}

// Asks for the lock of the next entity of the set, or tells the owner that it has them all.
void pass_on(PartitionState& state, const Instance& instance, const HistoryEventView& request,
             Timestamp at, Effects& effects) {
  const std::vector<std::string> set = lock_set_of(request.lock_set);
  const auto next = std::upper_bound(set.begin(), set.end(), instance.id);
  if (next != set.end()) {
    HistoryEventView message = request;
    message.timestamp = at;
    send(state, *next, message, effects);
    return;
  }
  HistoryEventView granted;
  granted.kind = Kind::entity_lock_granted;
  granted.timestamp = at;
  granted.scheduled_id = request.scheduled_id;
  granted.execution_id = request.execution_id;
  send(state, request.instance_id, granted, effects);
}

void grant(PartitionState& state, Instance& instance, const HistoryEventView& request, Timestamp at,
           Effects& effects) {
  instance.entity->lock = section_of(request);
  pass_on(state, instance, request, at, effects);
}

void wait(Instance& instance, std::string_view encoded) {
  instance.entity->waiting.append(encoded);
  ++instance.entity->waiting_count;
}

// By the rules of order and locks: runs now, or waits.
void admit(PartitionState& state, Instance& instance, const HistoryEventView& event,
           std::string_view encoded, Timestamp at, Effects& effects) {
  Entity& entity = *instance.entity;
  if (event.kind == Kind::entity_lock_requested) {
    if ((entity.locked() || entity.waiting_count != 0 || instance.inbox_count != 0) &&
        !INGOT_PLANTED(kGrantHeldLock)) {
      wait(instance, encoded);
    } else {
      grant(state, instance, event, at, effects);
    }
    return;
  }
  const bool owner = entity.locked() && event.instance_id == entity.lock.owner &&
                     event.execution_id == entity.lock.execution_id;
  if (owner || (!entity.locked() && entity.waiting_count == 0) || INGOT_PLANTED(kIgnoreLock)) {
    deliver(state, instance, encoded, effects);
  } else {
    wait(instance, encoded);
  }
}

// Takes the lock request of `section` out of those that wait. False when there is none.
bool withdraw(Instance& instance, const CriticalSection& section) {
  Entity& entity = *instance.entity;
  Reader reader(entity.waiting);
  while (reader.more()) {
    const std::size_t start = entity.waiting.size() - reader.remaining();
    const HistoryEventView event = decode_trusted_event(reader);
    if (event.kind != Kind::entity_lock_requested || section_of(event) != section) continue;
    entity.waiting.erase(start, entity.waiting.size() - reader.remaining() - start);
    --entity.waiting_count;
    return true;
  }
  return false;
}

void unlock(PartitionState& state, Instance& instance, const HistoryEventView& event, Timestamp at,
            Effects& effects) {
  Entity& entity = *instance.entity;
  const CriticalSection section = section_of(event);
  if (entity.locked() && (entity.lock == section || INGOT_PLANTED(kUnlockForAnyone))) {
    entity.lock = {};
    if (!event.lock_set.empty()) {
      const std::vector<std::string> set = lock_set_of(event.lock_set);
      const auto next = std::upper_bound(set.begin(), set.end(), instance.id);
      if (next != set.end()) send_unlock(state, *next, section, event.lock_set, at, effects);
    }
  } else if (event.lock_set.empty() || !withdraw(instance, section)) {
    return;  // given back before
  }
  admit_waiting(state, instance, at, effects);
}

}  // namespace

void admit_waiting(PartitionState& state, Instance& instance, Timestamp at, Effects& effects) {
  Entity& entity = *instance.entity;
  if (entity.waiting_count == 0 || entity.locked()) return;
  std::size_t taken = 0;
  Reader reader(entity.waiting);
  while (reader.more() && !entity.locked()) {
    const char* start = reader.at();
    const HistoryEventView event = decode_trusted_event(reader);
    if (event.kind == Kind::entity_lock_requested) {
      if (instance.inbox_count != 0) break;
      grant(state, instance, event, at, effects);
    } else {
      deliver(state, instance, {start, static_cast<std::size_t>(reader.at() - start)}, effects);
    }
    taken = entity.waiting.size() - reader.remaining();
    --entity.waiting_count;
  }
  entity.waiting.erase(0, taken);
}

Status receive_entity_message(PartitionState& state, Instance& instance,
                              const HistoryEventView& event, std::string_view encoded, Timestamp at,
                              Effects& effects) {
  state.touch(instance);
  switch (event.kind) {
    case Kind::entity_operation_signaled:
      if (event.has_fire_at && event.fire_at > at) {
        std::int32_t timer = 0;
        do {  // the ids begin anew, and one may still be in use
          if (instance.next_action_id > PendingTasks::kIdMax) instance.next_action_id = 0;
          timer = instance.next_action_id++;
        } while (!instance.entity->scheduled.add(timer, encoded));
        instance.timers.push_back({timer, event.fire_at});
        state.agenda.add({event.fire_at, instance.sequence, timer, instance.generation});
        break;
      }
      admit(state, instance, event, encoded, at, effects);
      break;
    case Kind::entity_operation_called:
    case Kind::entity_lock_requested:
      admit(state, instance, event, encoded, at, effects);
      break;
    case Kind::entity_unlock_sent:
      unlock(state, instance, event, at, effects);
      break;
    default:
      return Status(StatusCode::corrupt,
                    "a " + std::string(to_string(event.kind)) + " event for an entity");
  }
  state.instances.used(instance);
  return {};
}

void admit_scheduled(PartitionState& state, Instance& instance, std::string_view encoded,
                     Timestamp at, Effects& effects) {
  Reader reader(encoded);
  admit(state, instance, decode_trusted_event(reader), encoded, at, effects);
}

Instance& create_entity(PartitionState& state, std::string_view id, Timestamp at) {
  auto created = std::make_unique<Instance>();
  created->sequence = ++state.last_sequence;
  created->id = id;
  created->id_hash = hash64(id);
  created->status = RuntimeStatus::running;
  created->created_at = at;
  created->updated_at = at;
  created->inbox = state.take_buffer();
  created->entity = std::make_unique<Entity>();
  Instance& instance = state.instances.insert(std::move(created));
  ++state.counters.entities;
  state.touch(instance);
  return instance;
}

}  // namespace ingot::partition
