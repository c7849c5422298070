#pragma once

// apply: the state machine. One file a fact; this one only dispatches.
//
// Applying is deterministic: the same state and fact give the same state and effects, everywhere.
// Facts are checked against the state, because they may come from a disk: what can't have been
// recorded in this state is `corrupt`, and then the state must not be used any more. A fact that
// can't act any more (a late completion, a message for an instance that has just ended) changes
// nothing and is ok.
//
// An instance that a fact names must be in memory if it is alive; making it so is the caller's duty
// (shard/intake.h, recovery/recover.h).

#include <ingot/entity_id.h>
#include <ingot/status.h>

#include "core/effect.h"
#include "core/fact.h"
#include "core/history_codec.h"
#include "partition/state/partition_state.h"

namespace ingot::partition {

// Applies the fact at `position`, which is the one after state.applied. Effects are appended.
Status apply(PartitionState& state, Position position, const Fact& fact, Effects& effects);

Status apply_instance_created(PartitionState& state, const Fact& fact, const InstanceCreated& body,
                              Effects& effects);
Status apply_message_delivered(PartitionState& state, const Fact& fact,
                               const MessageDelivered& body, Effects& effects);
Status apply_activity_completed(PartitionState& state, const Fact& fact,
                                const ActivityCompleted& body, Effects& effects);
Status apply_timer_fired(PartitionState& state, const Fact& fact, const TimerFired& body,
                         Effects& effects);
Status apply_step_completed(PartitionState& state, const Fact& fact, const StepCompleted& body,
                            Effects& effects);
Status apply_peer_message_received(PartitionState& state, const Fact& fact,
                                   const PeerMessageReceived& body, Effects& effects);
Status apply_outbox_confirmed(PartitionState& state, const Fact& fact, const OutboxConfirmed& body,
                              Effects& effects);
Status apply_entity_created(PartitionState& state, const Fact& fact, const EntityCreated& body,
                            Effects& effects);
Status apply_entity_step_completed(PartitionState& state, const Fact& fact,
                                   const EntityStepCompleted& body, Effects& effects);
Status apply_instance_purged(PartitionState& state, const Fact& fact, const InstancePurged& body,
                             Effects& effects);
Status apply_instance_rewound(PartitionState& state, const Fact& fact, const InstanceRewound& body,
                              Effects& effects);

Status apply_child_answered(PartitionState& state, const Fact& fact, const ChildAnswered& body,
                            Effects& effects);

// The instance that a fact names, or null when it has ended. `corrupt` for a number never given.
Result<Instance*> live_instance(PartitionState& state, SequenceNumber sequence);
// The one event in `bytes`; `corrupt` when it is not exactly one.
Result<HistoryEventView> only_event(std::string_view bytes);
// A new orchestration, pending, with the ExecutionStarted event `started` (`encoded`) in its inbox.
// `replaced` is the status of the finished one that it takes the id of. `corrupt` when the event is
// not a proper start, or the id is in use.
Status create_orchestration(PartitionState& state, const HistoryEventView& started,
                            std::string_view encoded, std::optional<RuntimeStatus> replaced,
                            Timestamp at, Effects& effects);
// EventRaised, ExecutionTerminated, -Suspended or -Resumed: what an orchestration gets unasked.
[[nodiscard]] bool is_client_message(HistoryEventKind kind);
// Delivers such a message. It may end the instance.
void deliver_control(PartitionState& state, Instance& instance, const HistoryEventView& event,
                     std::string_view encoded, Timestamp at, Effects& effects);
// Counts the message of a channel as taken. `corrupt` when it is not the next one.
Status take_channel_position(PartitionState& state, PartitionId origin, std::uint64_t position);
// Puts an encoded event at the end of the inbox, and asks for a step.
void deliver(PartitionState& state, Instance& instance, std::string_view event, Effects& effects);

}  // namespace ingot::partition
