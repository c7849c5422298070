// Calls about entities.

#include "core/try.h"
#include "tools/ingotd/grpc/convert_actions.h"
#include "tools/ingotd/grpc/convert_entities.h"
#include "tools/ingotd/grpc/service.h"
#include "tools/ingotd/pages.h"

namespace ingot::server {
namespace {

Result<EntityId> read_id(const std::string& text) {
  INGOT_ASSIGN(const std::string id, read_entity_id("instanceId", text));
  return parse_entity_id(id);
}

}  // namespace

Service::Reactor* Service::SignalEntity(Context* context, const ::SignalEntityRequest* request,
                                        ::SignalEntityResponse* /*response*/) {
  return with_hub(context, [this, request](Reactor* reactor, const HubPtr& hub) {
    const Result<EntityId> id = read_signal_target(*request);
    if (!id.ok()) return finish(reactor, id.status());
    hub->client().signal_entity_async(*id, request->name(), request->input().value(),
                                      read_signal(*request), finisher(reactor));
  });
}

Service::Reactor* Service::GetEntity(Context* context, const ::GetEntityRequest* request,
                                     ::GetEntityResponse* response) {
  return with_hub(context, [this, request, response](Reactor* reactor, const HubPtr& hub) {
    const Result<EntityId> id = read_id(request->instanceid());
    if (!id.ok()) return finish(reactor, id.status());
    hub->client().get_entity_async(
        *id, request->includestate(), [this, reactor, response](Result<EntityState> state) {
          core_.answers.post([this, reactor, response, state = std::move(state)] {
            // One without state is as good as none.
            const bool exists = state.ok() && state->has_state;
            response->set_exists(exists);
            if (exists) write_entity_state(*state, response->mutable_entity());
            const bool missing = state.status().code() == StatusCode::not_found;
            finish(reactor, missing ? Status() : state.status());
          });
        });
  });
}

Service::Reactor* Service::QueryEntities(Context* context, const ::QueryEntitiesRequest* request,
                                         ::QueryEntitiesResponse* response) {
  return with_hub_slowly(context, [request, response](const HubPtr& hub) -> Status {
    const EntityQuery query = read_entity_query(request->query());
    INGOT_ASSIGN(const std::string next,
                 give_page(
                     query, query.include_state, kMessagePageBytesMax,
                     [&](const EntityQuery& step) { return hub->client().query_entities(step); },
                     [](const EntityPage& page) -> auto& { return page.entities; },
                     [&](const EntityState& state) {
                       write_entity_state(state, response->add_entities());
                     }));
    if (!next.empty()) response->mutable_continuationtoken()->set_value(next);
    return {};
  });
}

Service::Reactor* Service::CleanEntityStorage(Context* context,
                                              const ::CleanEntityStorageRequest* request,
                                              ::CleanEntityStorageResponse* response) {
  return with_hub_slowly(context, [request, response](const HubPtr& hub) -> Status {
    INGOT_ASSIGN(const EntityCleanup done,
                 hub->client().clean_entity_storage(request->removeemptyentities(),
                                                    request->releaseorphanedlocks()));
    response->set_emptyentitiesremoved(static_cast<std::int32_t>(done.empty_entities_removed));
    response->set_orphanedlocksreleased(static_cast<std::int32_t>(done.orphaned_locks_released));
    return {};
  });
}

}  // namespace ingot::server
