#include "partition/hub/blocking_call.h"

#include "partition/shard/shard.h"

namespace ingot::partition {

Status refuse_on_shard_thread() {
  if (!Shard::on_shard_thread()) return {};
  return Status(StatusCode::failed_precondition,
                "a blocking call from a callback would stop the shard that has to answer it");
}

}  // namespace ingot::partition
