#pragma once

// ChannelEnds: where the channels of a recovered partition stand, and whether those of two
// partitions fit together.
//
// A message leaves when its cause is durable, and is confirmed when it is durable where it went. So
// wherever a crash cuts the logs, for each two partitions
//
//   confirmed at the origin <= taken by the destination <= sent by the origin
//
// Where this does not hold, the files of one partition are older than the other's, or have lost
// facts that nothing in them can prove. Going on would lose messages in silence: new ones would
// bear the positions of those that were taken, or come behind a gap.

#include <optional>
#include <string>
#include <vector>

#include "partition/state/partition_state.h"

namespace ingot::partition {

// Positions in the channels to and from another partition.
struct ChannelEnd {
  std::uint64_t sent = 0;       // to it
  std::uint64_t confirmed = 0;  // by it
  std::uint64_t taken = 0;      // from it
};

struct ChannelEnds {
  PartitionId partition;
  std::vector<ChannelEnd> peers;  // by partition, the partition itself included
};

[[nodiscard]] ChannelEnds channel_ends(const PartitionState& state);

struct ChannelFault {
  PartitionId behind;  // whose files are older
  std::string what;
};

// What does not fit in the channel from `origin` to `destination`, which may be one.
[[nodiscard]] std::optional<ChannelFault> check_channel(const ChannelEnds& origin,
                                                        const ChannelEnds& destination);
// The first fault of all channels between the partitions of a hub.
[[nodiscard]] std::optional<ChannelFault> check_channels(const std::vector<ChannelEnds>& hub);

}  // namespace ingot::partition
