#include "tests/sim/check_channels.h"

#include "core/hash.h"

namespace ingot::sim {
namespace {

constexpr const char* kProperty = "(d) channels";

std::string route(PartitionId from, PartitionId to, std::uint64_t position) {
  return "message " + std::to_string(position) + " of the channel from partition " +
         std::to_string(from.value) + " to " + std::to_string(to.value);
}

}  // namespace

void ChannelChecker::before(const DurableFact& fact) {
  if (const auto* message = std::get_if<PeerMessageReceived>(&fact.fact.body)) {
    received(fact, *message);
  } else if (const auto* confirmed = std::get_if<OutboxConfirmed>(&fact.fact.body)) {
    const Channel& there = channel(fact.partition, confirmed->destination);
    if (confirmed->channel_position <= there.received) return;
    findings_.violated(kProperty, fact.partition, {},
                       route(fact.partition, confirmed->destination, confirmed->channel_position) +
                           " left the outbox, and its receiver has durably " +
                           std::to_string(there.received));
  }
}

void ChannelChecker::received(const DurableFact& at, const PeerMessageReceived& fact) {
  Channel& from = channel(fact.origin, at.partition);
  const std::string what = route(fact.origin, at.partition, fact.channel_position);
  if (fact.channel_position != from.received + 1) {
    findings_.violated(kProperty, at.partition, {},
                       what + " is received after message " + std::to_string(from.received));
  } else if (fact.channel_position > from.sent.size()) {
    findings_.violated(kProperty, at.partition, {}, what + " is received, and was never queued");
  } else if (from.sent[fact.channel_position - 1] != hash64(fact.event)) {
    findings_.violated(kProperty, at.partition, {}, what + " is not what was sent");
  }
  from.received = fact.channel_position;
}

void ChannelChecker::after(const DurableFact& fact, const Effects& effects) {
  for (const Effect& effect : effects) {
    const auto* queued = std::get_if<MessageQueued>(&effect);
    if (queued == nullptr) continue;
    Channel& to = channel(fact.partition, queued->destination);
    const partition::PeerMessage* message =
        fact.state.outbox.find(queued->destination, queued->channel_position);
    if (message == nullptr || queued->channel_position != to.sent.size() + 1) {
      findings_.violated(kProperty, fact.partition, {},
                         route(fact.partition, queued->destination, queued->channel_position) +
                             " is queued after message " + std::to_string(to.sent.size()));
      return;
    }
    to.sent.push_back(hash64(message->event));
  }
}

void ChannelChecker::left(PartitionId destination, const partition::Request& request) {
  if (const auto* messages = std::get_if<partition::PeerMessages>(&request)) {
    const Channel& to = channel(messages->origin, destination);
    for (const partition::PeerMessage& message : messages->messages) {
      if (message.channel_position <= to.sent.size()) continue;
      findings_.violated("(e) durability", messages->origin, message.target_id,
                         route(messages->origin, destination, message.channel_position) +
                             " has left, and is not durable");
    }
  } else if (const auto* confirmation = std::get_if<partition::PeerConfirmation>(&request)) {
    const Channel& from = channel(destination, confirmation->destination);
    if (confirmation->channel_position <= from.received) return;
    findings_.violated(
        "(e) durability", confirmation->destination, {},
        route(destination, confirmation->destination, confirmation->channel_position) +
            " was confirmed, and is not durable there");
  }
}

}  // namespace ingot::sim
