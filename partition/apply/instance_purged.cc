// InstancePurged: a finished instance is forgotten, and its children stay; or an entity goes that
// has no state, no lock and nothing to do.

#include "core/hash.h"
#include "core/planted_bug.h"
#include "core/try.h"
#include "partition/apply/apply.h"

namespace ingot::partition {
namespace {

bool is_empty(const Instance& instance) {
  const Entity& entity = *instance.entity;
  return !entity.state && !entity.locked() && entity.waiting_count == 0 &&
         instance.inbox_count == 0 && entity.scheduled.events().empty();
}

}  // namespace

Status apply_instance_purged(PartitionState& state, const Fact& /*fact*/,
                             const InstancePurged& body, Effects& effects) {
  state.requests.add(body.request_id);
  const std::uint64_t id_hash = hash64(body.id);
  if (body.sequence.value != 0) {
    INGOT_ASSIGN(Instance * instance, live_instance(state, body.sequence));
    if (instance == nullptr || instance->entity == nullptr || instance->id != body.id ||
        !is_empty(*instance)) {
      return Status(StatusCode::corrupt, "'" + std::string(body.id) + "' is purged, but not empty");
    }
    state.touch(*instance);
    state.remove_entity(*instance);
    effects.push_back(InstanceFinished{body.sequence, {}});
    return {};
  }
  if (!validate_instance_id(body.id).ok() || !is_terminal(body.status) ||
      state.instances.find(id_hash, body.id) != nullptr || state.count(body.status) == 0) {
    return Status(StatusCode::corrupt,
                  "'" + std::string(body.id) + "' is purged, but not finished");
  }
  if (!INGOT_PLANTED(kPurgedStayCounted)) --state.count(body.status);
  state.finished.add(id_hash, body.id, {});
  return {};
}

}  // namespace ingot::partition
