#include "partition/peers/channel_ends.h"

#include "core/planted_bug.h"

namespace ingot::partition {
namespace {

ChannelFault behind(PartitionId older, PartitionId newer, const std::string& what) {
  return {older, "partition " + std::to_string(older.value) + " is behind partition " +
                     std::to_string(newer.value) + ": it has " + what +
                     "; its files are older than those of the other, or have lost what came last"};
}

}  // namespace

ChannelEnds channel_ends(const PartitionState& state) {
  ChannelEnds ends;
  ends.partition = state.partition;
  ends.peers.resize(state.partition_count);
  for (std::uint32_t p = 0; p < state.partition_count; ++p) {
    ends.peers[p].taken = state.dedup.last(PartitionId(p));
  }
  for (const auto& [destination, channel] : state.outbox.channels()) {
    ChannelEnd& end = ends.peers[destination.value];
    end.sent = channel.last_position;
    end.confirmed = channel.last_position - channel.unconfirmed.size();
  }
  return ends;
}

std::optional<ChannelFault> check_channel(const ChannelEnds& origin,
                                          const ChannelEnds& destination) {
  const ChannelEnd& here = origin.peers[destination.partition.value];
  const std::uint64_t taken = destination.peers[origin.partition.value].taken;
  if (INGOT_PLANTED(kForgivePartitions)) return std::nullopt;
  if (taken > here.sent) {
    return behind(origin.partition, destination.partition,
                  "sent it " + std::to_string(here.sent) + " messages, and " +
                      std::to_string(taken) + " were taken");
  }
  if (here.confirmed > taken) {
    return behind(destination.partition, origin.partition,
                  "taken " + std::to_string(taken) + " messages of it, and confirmed " +
                      std::to_string(here.confirmed));
  }
  return std::nullopt;
}

std::optional<ChannelFault> check_channels(const std::vector<ChannelEnds>& hub) {
  for (const ChannelEnds& origin : hub) {
    for (const ChannelEnds& destination : hub) {
      if (auto fault = check_channel(origin, destination)) return fault;
    }
  }
  return std::nullopt;
}

}  // namespace ingot::partition
