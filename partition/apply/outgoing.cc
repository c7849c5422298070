#include "partition/apply/outgoing.h"

#include <utility>

#include "core/hash.h"

namespace ingot::partition {

void send(PartitionState& state, std::string_view target_id, const HistoryEventView& message,
          Effects& effects) {
  std::string encoded;
  encode_event(message, encoded);
  send_encoded(state, target_id, std::move(encoded), effects);
}

void send_encoded(PartitionState& state, std::string_view target_id, std::string message,
                  Effects& effects) {
  const PartitionId destination = partition_of(target_id, state.partition_count);
  const std::uint64_t position = state.outbox.append(destination, target_id, std::move(message));
  effects.push_back(MessageQueued{destination, position});
}

void sign(HistoryEventView& message, const Instance& sender) {
  message.instance_id = sender.id;
  message.execution_id = sender.execution_id;
}

void send_call(PartitionState& state, const Instance& sender, const HistoryEventView& action,
               Timestamp at, Effects& effects) {
  HistoryEventView message;
  message.kind = action.kind;
  message.timestamp = at;
  message.name = action.name;
  message.data = action.data;
  message.has_data = action.has_data;
  message.request_id = action.request_id;
  message.trace_parent = action.trace_parent;
  message.scheduled_id = action.event_id;
  sign(message, sender);
  send(state, action.instance_id, message, effects);
}

void send_lock_request(PartitionState& state, const Instance& instance, Timestamp at,
                       Effects& effects) {
  HistoryEventView message;
  message.kind = HistoryEventKind::entity_lock_requested;
  message.timestamp = at;
  message.scheduled_id = instance.locks->event_id;
  std::string set;
  encode_lock_set(instance.locks->entities, set);
  message.lock_set = set;
  sign(message, instance);
  send(state, instance.locks->entities.front(), message, effects);
}

void send_unlock(PartitionState& state, std::string_view entity_id, const CriticalSection& section,
                 std::string_view lock_set, Timestamp at, Effects& effects) {
  HistoryEventView message;
  message.kind = HistoryEventKind::entity_unlock_sent;
  message.timestamp = at;
  message.instance_id = section.owner;
  message.execution_id = section.execution_id;
  message.scheduled_id = section.event_id;
  message.lock_set = lock_set;
  send(state, entity_id, message, effects);
}

void release_locks(PartitionState& state, Instance& instance, Timestamp at, Effects& effects) {
  if (instance.locks == nullptr) return;
  const std::unique_ptr<HeldLocks> locks = std::move(instance.locks);
  const CriticalSection section{instance.id, instance.execution_id, locks->event_id};
  if (!locks->granted) {
    // The request is somewhere on its way from one entity to the next; the word follows it.
    std::string set;
    encode_lock_set(locks->entities, set);
    send_unlock(state, locks->entities.front(), section, set, at, effects);
    return;
  }
  for (const std::string& entity : locks->entities) {
    send_unlock(state, entity, section, {}, at, effects);
  }
}

std::vector<std::string> lock_set_of(std::string_view encoded) {
  std::optional<std::vector<std::string>> ids = decode_lock_set(encoded);
  INGOT_ASSERT(ids.has_value(), encoded.size());
  return *std::move(ids);
}

}  // namespace ingot::partition
