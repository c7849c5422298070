// EntityCreated: a new entity without state; the message that it is created for comes next.

#include "core/hash.h"
#include "partition/apply/apply.h"
#include "partition/apply/entity_messages.h"

namespace ingot::partition {

Status apply_entity_created(PartitionState& state, const Fact& fact, const EntityCreated& body,
                            Effects& /*effects*/) {
  if (!is_entity_id(body.id) || state.instances.find(hash64(body.id), body.id) != nullptr) {
    return Status(StatusCode::corrupt,
                  "entity '" + std::string(body.id) + "' is created twice, or has no proper id");
  }
  create_entity(state, body.id, fact.at);
  return {};
}

}  // namespace ingot::partition
