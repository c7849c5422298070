// PeerMessageReceived: the next message of a channel is counted, and delivered if its target lives.

#include "core/try.h"
#include "partition/apply/apply.h"

namespace ingot::partition {

Status apply_peer_message_received(PartitionState& state, const Fact& /*fact*/,
                                   const PeerMessageReceived& body, Effects& effects) {
  if (body.origin.value >= state.partition_count) {
    return Status(
        StatusCode::corrupt,
        "a message from partition " + std::to_string(body.origin.value) + ", which does not exist");
  }
  if (!state.dedup.advance(body.origin, body.channel_position)) {
    return Status(StatusCode::corrupt, "message " + std::to_string(body.channel_position) +
                                           " from partition " + std::to_string(body.origin.value) +
                                           " is not the next of its channel");
  }
  if (body.target.value == 0) return {};
  INGOT_ASSIGN(Instance * instance, live_instance(state, body.target));
  INGOT_ASSIGN(const HistoryEventView event, only_event(body.event));
  if (event.kind != HistoryEventKind::event_raised) {
    return Status(StatusCode::corrupt, "a PeerMessageReceived fact with a " +
                                           std::string(to_string(event.kind)) + " event");
  }
  if (instance != nullptr) deliver(state, *instance, body.event, effects);
  return {};
}

}  // namespace ingot::partition
