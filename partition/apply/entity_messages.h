#pragma once

// Messages for entities: operations in the order of their arrival, locks, scheduled signals. The
// invariants are those of state/entity.h.

#include "core/effect.h"
#include "core/history_codec.h"
#include "partition/state/partition_state.h"

namespace ingot::partition {

// EntityOperationSignaled, EntityOperationCalled, EntityLockRequested or EntityUnlockSent;
// `corrupt` for another kind. `encoded` is the event as bytes.
Status receive_entity_message(PartitionState& state, Instance& instance,
                              const HistoryEventView& event, std::string_view encoded, Timestamp at,
                              Effects& effects);
// A scheduled signal is due: it takes its place behind what has come before.
void admit_scheduled(PartitionState& state, Instance& instance, std::string_view encoded,
                     Timestamp at, Effects& effects);
// After operations have been carried out, or a lock was given back: what waited may go on.
void admit_waiting(PartitionState& state, Instance& instance, Timestamp at, Effects& effects);

// A new entity, in the table. The id is valid and not in use.
Instance& create_entity(PartitionState& state, std::string_view id, Timestamp at);

}  // namespace ingot::partition
