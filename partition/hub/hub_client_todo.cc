// What the client does not do yet.

#include "partition/hub/hub_client.h"

namespace ingot::partition {
namespace {
Status not_yet() { return Status(StatusCode::unsupported, "not supported yet"); }
}  // namespace

Status HubClient::suspend(std::string_view, std::string_view, std::uint64_t) { return not_yet(); }
Status HubClient::resume(std::string_view, std::string_view, std::uint64_t) { return not_yet(); }
Result<std::string> HubClient::restart(std::string_view, bool, std::uint64_t) { return not_yet(); }
Status HubClient::rewind(std::string_view, std::string_view, std::uint64_t) { return not_yet(); }
Result<std::uint64_t> HubClient::purge_instance(std::string_view, bool, std::uint64_t) {
  return not_yet();
}
Result<PurgeResult> HubClient::purge_instances(const PurgeFilter&, Duration) { return not_yet(); }
Result<InstanceIdPage> HubClient::list_instance_ids(const InstanceIdQuery&) { return not_yet(); }
Result<InstanceCounts> HubClient::count_instances() { return not_yet(); }
Status HubClient::signal_entity(const EntityId&, std::string_view, std::string_view,
                                SignalOptions) {
  return not_yet();
}
void HubClient::signal_entity_async(const EntityId&, std::string_view, std::string_view,
                                    SignalOptions, DoneFn done) {
  done(not_yet());
}
Result<EntityState> HubClient::get_entity(const EntityId&, bool) { return not_yet(); }
Result<EntityPage> HubClient::query_entities(const EntityQuery&) { return not_yet(); }
Result<EntityCleanup> HubClient::clean_entity_storage(bool, bool) { return not_yet(); }

}  // namespace ingot::partition
