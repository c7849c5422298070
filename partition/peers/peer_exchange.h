#pragma once

// PeerExchange: the messages between this partition and the others, itself included.
//
// Sending: a message leaves when the fact that queued it is durable, and is kept in the outbox
// until the receiver has confirmed it. Receiving: each channel is taken strictly in order, one fact
// a message; duplicates are confirmed again and dropped. A target that has to be loaded makes its
// channel wait. Confirmations go out when the messages are durable here.
//
// What the partition sends to itself takes the same facts but need not wait: cause and reception
// are in one log, in this order. So a chain of messages within a partition costs no write of its
// own.

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "partition/memory/residency.h"
#include "partition/shard/effect_gate.h"
#include "partition/shard/environment.h"
#include "partition/shard/recorder.h"
#include "partition/state/row.h"

namespace ingot::partition {

class PeerExchange {
 public:
  PeerExchange(const Environment& environment, PartitionState& state, Recorder& recorder,
               EffectGate& gate, Residency& residency)
      : environment_(environment),
        state_(state),
        recorder_(recorder),
        gate_(gate),
        residency_(residency) {}

  // A message was queued in the outbox by the fact at the recorder's position.
  void queued(PartitionId destination, std::uint64_t channel_position);
  // Hands over what has become durable since the last call.
  void send();
  // After recovery: sends everything that was never confirmed.
  void resend_all();

  // Messages to the partition itself that have not been received. take_own() receives some.
  [[nodiscard]] bool has_own() const { return own_waits_; }
  void take_own();

  void take(PeerMessages& messages);
  void take(const PeerConfirmation& confirmation);
  // Goes on with the channels that waited for a load.
  void resume();

 private:
  struct Inlet {
    std::deque<PeerMessage> waiting;
    bool confirming = false;  // a confirmation waits at the gate
  };

  void pump(PartitionId origin, Inlet& inlet);
  // False, and the partition stops, when messages before this one are missing.
  bool is_next(PartitionId origin, const PeerMessage& message);
  // What it sends to itself need not be durable first: with HubOptions::persist_steps_first the
  // steps that it causes wait instead.
  [[nodiscard]] bool is_own(PartitionId destination) const {
    return destination == state_.partition;
  }
  bool receive(PartitionId origin, const PeerMessage& message);
  bool receive_rewind(PartitionId origin, const PeerMessage& message, const HistoryEventView& asked,
                      const Found& found, const std::optional<RowView>& ended);
  void confirm(PartitionId origin, Inlet& inlet);

  const Environment& environment_;
  PartitionState& state_;
  Recorder& recorder_;
  EffectGate& gate_;
  Residency& residency_;
  bool own_waits_ = false;
  std::map<PartitionId, PeerMessages> outgoing_;
  std::map<PartitionId, Inlet> inlets_;
};

}  // namespace ingot::partition
