#include "partition/peers/peer_exchange.h"

#include <ingot/entity_id.h>

#include <algorithm>

#include "core/hash.h"
#include "core/history_codec.h"
#include "core/planted_bug.h"
#include "partition/requests/rewind.h"
#include "partition/state/row.h"

namespace ingot::partition {
namespace {

bool creates_entity(HistoryEventKind kind) {
  return kind == HistoryEventKind::entity_operation_signaled ||
         kind == HistoryEventKind::entity_operation_called ||
         kind == HistoryEventKind::entity_lock_requested;
}

}  // namespace

void PeerExchange::queued(PartitionId destination, std::uint64_t channel_position) {
  if (is_own(destination)) {
    own_waits_ = true;
    return;
  }
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
  if (INGOT_PLANTED(kResendNothing)) return;
  for (const auto& [destination, channel] : state_.outbox.channels()) {
    if (is_own(destination)) {
      own_waits_ |= !channel.unconfirmed.empty();
      continue;
    }
    std::vector<PeerMessage>& messages = outgoing_[destination].messages;
    messages.assign(channel.unconfirmed.begin(), channel.unconfirmed.end());
  }
}

void PeerExchange::take(PeerMessages& messages) {
  Inlet& inlet = inlets_[messages.origin];
  for (PeerMessage& message : messages.messages) inlet.waiting.push_back(std::move(message));
  pump(messages.origin, inlet);
}

void PeerExchange::take_own() {
  own_waits_ = false;
  const auto channel = state_.outbox.channels().find(state_.partition);
  if (channel == state_.outbox.channels().end()) return;
  const std::uint64_t before = state_.dedup.last(state_.partition);
  // Facts append to the channel meanwhile; what is there stays in its place.
  const auto& messages = channel->second.unconfirmed;
  for (std::size_t i = 0, end = messages.size(); i < end; ++i) {
    if (messages[i].channel_position <= before) continue;
    if (!recorder_.failure().ok() || !is_next(state_.partition, messages[i])) return;
    if (!recorder_.has_room()) {
      own_waits_ = true;
      break;
    }
    if (!receive(state_.partition, messages[i])) break;  // resume() goes on
  }
  const std::uint64_t last = state_.dedup.last(state_.partition);
  if (!messages.empty() && last >= messages.front().channel_position) {
    recorder_.record(OutboxConfirmed{state_.partition, last});
  }
}

void PeerExchange::resume() {
  // At once: what the residency has just loaded it soon forgets.
  take_own();
  for (auto& [origin, inlet] : inlets_) pump(origin, inlet);
}

// Only what was taken can be confirmed, so an origin whose files belong to ours leaves no gap.
bool PeerExchange::is_next(PartitionId origin, const PeerMessage& message) {
  const std::uint64_t last = state_.dedup.last(origin);
  if (message.channel_position == last + 1) return true;
  recorder_.fail(Status(StatusCode::corrupt, "message " + std::to_string(message.channel_position) +
                                                 " from partition " + std::to_string(origin.value) +
                                                 " follows " + std::to_string(last) +
                                                 "; what lies between is missing"));
  return false;
}

void PeerExchange::pump(PartitionId origin, Inlet& inlet) {
  bool taken = false;
  while (!inlet.waiting.empty() && recorder_.failure().ok() && recorder_.has_room()) {
    const PeerMessage& message = inlet.waiting.front();
    const std::uint64_t last = state_.dedup.last(origin);
    if (message.channel_position <= last && !INGOT_PLANTED(kTakeMessagesTwice)) {
      inlet.waiting.pop_front();
      taken = true;  // the origin has forgotten our confirmation
      continue;
    }
    if (!is_next(origin, message)) return;
    if (!receive(origin, message)) break;
    inlet.waiting.pop_front();
    taken = true;
  }
  if (taken) confirm(origin, inlet);
}

// False when the target has to be loaded first.
bool PeerExchange::receive(PartitionId origin, const PeerMessage& message) {
  const std::uint64_t id_hash = hash64(message.target_id);
  const Found found = residency_.find(id_hash, message.target_id);
  if (found.in_store) {
    residency_.load(id_hash, message.target_id, nullptr);
    return false;
  }
  Reader reader(message.event);
  const HistoryEventView event = decode_event(reader);
  std::optional<RowView> ended;
  if (!found.record.empty()) {
    Result<RowView> record = view_row(found.record);
    if (!record.ok()) {
      recorder_.fail(record.status());
      return true;
    }
    ended = *record;
  }
  if (event.kind == HistoryEventKind::execution_rewound &&
      receive_rewind(origin, message, event, found, ended)) {
    return true;
  }
  PeerMessageReceived fact;
  fact.origin = origin;
  fact.channel_position = message.channel_position;
  fact.event = message.event;
  if (found.live != nullptr) {
    fact.target = found.live->sequence;
  } else if (ended) {
    if (event.kind == HistoryEventKind::execution_started) fact.replaced = ended->status;
  } else if (creates_entity(event.kind) && is_entity_id(message.target_id)) {
    // Before the message: if only this much survives a crash, the message comes again.
    recorder_.record(EntityCreated{message.target_id});
    fact.target = state_.last_sequence;
  }
  recorder_.record(fact);
  return true;
}

// A rewound parent asks for the end of a child. False when the message is to be counted as others
// are, because the child is alive, or has just been rewound.
bool PeerExchange::receive_rewind(PartitionId origin, const PeerMessage& message,
                                  const HistoryEventView& asked, const Found& found,
                                  const std::optional<RowView>& ended) {
  if (found.live != nullptr && is_rewound_child(view_row(*found.live), asked)) return false;
  if (ended && ended->status == RuntimeStatus::failed && is_rewound_child(*ended, asked)) {
    // Before the message, which then finds nothing to do. If only this much survives a crash, the
    // message comes again and does nothing.
    const Result<RewoundRow> rewound =
        rewound_row(found.record, state_.last_sequence.plus(1), recorder_.now(), asked.data);
    if (rewound.ok()) {
      recorder_.record(InstanceRewound{0, rewound->old, rewound->row});
    } else {
      recorder_.fail(rewound.status());
    }
    return false;
  }
  const std::string parent(asked.instance_id);
  const std::string answer = answer_for_child(message.target_id, ended, asked, recorder_.now());
  recorder_.record(ChildAnswered{origin, message.channel_position, parent, answer});
  return true;
}

void PeerExchange::confirm(PartitionId origin, Inlet& inlet) {
  if (inlet.confirming) return;  // the one at the gate will say how far we are by then
  inlet.confirming = true;
  if (INGOT_PLANTED(kConfirmEarly)) {
    environment_.post.push(origin, PeerConfirmation{state_.partition, state_.dedup.last(origin)});
  }
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
