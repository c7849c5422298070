#pragma once

// Outgoing messages: what applying a fact sends to other instances and entities, also to those of
// its own partition. They wait in the outbox until the receiver has them durably.

#include <string>
#include <string_view>
#include <vector>

#include "core/effect.h"
#include "core/history_codec.h"
#include "partition/state/partition_state.h"

namespace ingot::partition {

// `target_id` is valid.
void send(PartitionState& state, std::string_view target_id, const HistoryEventView& message,
          Effects& effects);

// The same of an encoded message.
void send_encoded(PartitionState& state, std::string_view target_id, std::string message,
                  Effects& effects);

// The sender of a message: its id and execution.
void sign(HistoryEventView& message, const Instance& sender);

// The call of an entity that `action` asks for; the answer names the action.
void send_call(PartitionState& state, const Instance& sender, const HistoryEventView& action,
               Timestamp at, Effects& effects);

// Asks for the locks of the instance, which are not granted: from entity to entity of the set.
void send_lock_request(PartitionState& state, const Instance& instance, Timestamp at,
                       Effects& effects);
// Asks an entity to give the lock of `section` back. With `lock_set`, it passes the word on to the
// next entity of the set, and a request that still waits is withdrawn.
void send_unlock(PartitionState& state, std::string_view entity_id, const CriticalSection& section,
                 std::string_view lock_set, Timestamp at, Effects& effects);
// Gives back whatever the orchestration holds, or has asked for.
void release_locks(PartitionState& state, Instance& instance, Timestamp at, Effects& effects);

// The ids of a set that was encoded by us or checked before.
[[nodiscard]] std::vector<std::string> lock_set_of(std::string_view encoded);

}  // namespace ingot::partition
