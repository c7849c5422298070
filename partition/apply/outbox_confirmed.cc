// OutboxConfirmed: another partition holds our messages durably, so they are forgotten here.

#include "partition/apply/apply.h"

namespace ingot::partition {

Status apply_outbox_confirmed(PartitionState& state, const Fact& /*fact*/,
                              const OutboxConfirmed& body, Effects& /*effects*/) {
  if (body.destination.value >= state.partition_count ||
      !state.outbox.confirm(body.destination, body.channel_position)) {
    return Status(StatusCode::corrupt,
                  "a confirmation of message " + std::to_string(body.channel_position) +
                      " to partition " + std::to_string(body.destination.value) +
                      ", which was never sent");
  }
  return {};
}

}  // namespace ingot::partition
