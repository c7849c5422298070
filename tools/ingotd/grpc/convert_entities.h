#pragma once

// Batches of entity operations for a worker, and what became of them; entities as clients see them.

#include <ingot/client.h>
#include <ingot/instance.h>
#include <ingot/work_items.h>
#include <orchestrator_service.pb.h>

namespace ingot::server {

// The newer form (entityRequestV2), which carries the operations as events.
void write_entity(const EntityWorkItem& item, ::EntityRequest* out);
// The older one (entityRequest).
void write_entity(const EntityWorkItem& item, ::EntityBatchRequest* out);

// Results belong to the operations of `item` in their order. When there are fewer, the rest comes
// again; when the batch itself failed (failureDetails), the rest has failed with it, and a batch
// without any result leaves the state as it was. invalid_argument names what is wrong.
[[nodiscard]] Result<EntityOutcome> read_entity_result(const ::EntityBatchResult& result,
                                                       const EntityWorkItem& item);

// Whom SignalEntity is for. A client's entities have ids of at most 100 characters: SDKs count on
// being told so, because the service that they were made for takes no longer ones.
inline constexpr std::size_t kClientEntityIdMax = 100;
[[nodiscard]] Result<EntityId> read_signal_target(const ::SignalEntityRequest& request);
// What SignalEntity asks for, but for the target and operation.
[[nodiscard]] SignalOptions read_signal(const ::SignalEntityRequest& request);
[[nodiscard]] EntityQuery read_entity_query(const ::EntityQuery& query);
void write_entity_state(const EntityState& state, ::EntityMetadata* out);

}  // namespace ingot::server
