#include "partition/state/stored_row.h"

#include <string>
#include <utility>

#include "core/hash.h"
#include "partition/state/row.h"

namespace ingot::partition {

Result<std::unique_ptr<Instance>> decode_stored_row(const PartitionState& state,
                                                    std::string_view row, SequenceNumber expected) {
  const std::string name = expected.value == 0 ? "a row" : "row " + std::to_string(expected.value);
  Result<std::unique_ptr<Instance>> decoded = decode_row(row);
  if (!decoded.ok()) return decoded.status().with_context(name);
  Instance& instance = **decoded;
  const bool other = expected.value != 0 && instance.sequence != expected;
  if (other || instance.sequence > state.last_sequence) {
    return Status(StatusCode::corrupt, name + " holds instance " +
                                           std::to_string(instance.sequence.value) +
                                           (other ? "" : ", which was never created"));
  }
  instance.id_hash = hash64(instance.id);
  instance.stored = true;
  instance.work_listed = instance.has_outstanding_work();
  return decoded;
}

Status insert_stored(PartitionState& state, std::unique_ptr<Instance> instance) {
  if (state.detached.has_since(instance->sequence, instance->generation)) {
    return Status(StatusCode::corrupt, "activities of instance " +
                                           std::to_string(instance->sequence.value) +
                                           " are detached, and their execution goes on");
  }
  state.instances.insert(std::move(instance));
  return {};
}

}  // namespace ingot::partition
