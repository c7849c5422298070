#include "partition/peers/peer_exchange.h"

#include <algorithm>

#include "core/hash.h"

namespace ingot::partition {

void PeerExchange::queued(PartitionId destination, std::uint64_t channel_position) {
  gate_.hold(recorder_.position(), [this, destination, channel_position](const Status& status) {
    if (!status.ok()) return;
    const PeerMessage* message = state_.outbox.find(destination, channel_position);
    if (message != nullptr) outgoing_[destination].messages.push_back(*message);
  });
}

void PeerExchange::send() {
  for (auto& [destination, messages] : outgoing_) {
    if (messages.messages.empty()) continue;
    messages.origin = state_.partition;
    environment_.post.push(destination, std::exchange(messages, {}));
  }
}

void PeerExchange::resend_all() {
  for (const auto& [destination, channel] : state_.outbox.channels()) {
    std::vector<PeerMessage>& messages = outgoing_[destination].messages;
    messages.assign(channel.unconfirmed.begin(), channel.unconfirmed.end());
  }
}

void PeerExchange::take(PeerMessages& messages) {
  Inlet& inlet = inlets_[messages.origin];
  for (PeerMessage& message : messages.messages) inlet.waiting.push_back(std::move(message));
  pump(messages.origin, inlet);
}

void PeerExchange::resume() {
  for (auto& [origin, inlet] : inlets_) pump(origin, inlet);
}

void PeerExchange::pump(PartitionId origin, Inlet& inlet) {
  bool taken = false;
  while (!inlet.waiting.empty() && recorder_.failure().ok()) {
    const PeerMessage& message = inlet.waiting.front();
    const std::uint64_t last = state_.dedup.last(origin);
    if (message.channel_position <= last) {
      inlet.waiting.pop_front();
      taken = true;  // the origin has forgotten our confirmation
      continue;
    }
    // Only what was taken can be confirmed, so an honest origin leaves no gap.
    INGOT_ASSERT(message.channel_position == last + 1, origin.value, message.channel_position,
                 last);
    const std::uint64_t id_hash = hash64(message.target_id);
    const Found found = residency_.find(id_hash, message.target_id);
    if (found.in_store) {
      residency_.load(id_hash, message.target_id, nullptr);
      break;
    }
    const SequenceNumber target = found.live ? found.live->sequence : SequenceNumber();
    recorder_.record(PeerMessageReceived{origin, message.channel_position, target, message.event});
    inlet.waiting.pop_front();
    taken = true;
  }
  if (taken) confirm(origin, inlet);
}

void PeerExchange::confirm(PartitionId origin, Inlet& inlet) {
  if (inlet.confirming) return;  // the one at the gate will say how far we are by then
  inlet.confirming = true;
  // What it confirms is what is durable when it leaves: the position is taken now.
  gate_.hold(recorder_.position(),
             [this, origin, position = state_.dedup.last(origin)](const Status& status) {
               Inlet& held = inlets_[origin];
               held.confirming = false;
               if (!status.ok()) return;
               environment_.post.push(origin, PeerConfirmation{state_.partition, position});
               // Messages taken since then are covered by the next write.
               if (state_.dedup.last(origin) != position) confirm(origin, held);
             });
}

void PeerExchange::take(const PeerConfirmation& confirmation) {
  if (state_.outbox.find(confirmation.destination, confirmation.channel_position) == nullptr) {
    return;  // confirmed already
  }
  recorder_.record(OutboxConfirmed{confirmation.destination, confirmation.channel_position});
}

}  // namespace ingot::partition
