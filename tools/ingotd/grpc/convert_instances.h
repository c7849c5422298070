#pragma once

// Instances as clients see them, and how clients ask for them.

#include <ingot/client.h>
#include <ingot/instance.h>
#include <orchestrator_service.pb.h>

#include <optional>

namespace ingot::server {

// What StartInstance asks for, but for the orchestrator's name. An id-reuse policy names the
// statuses that may be replaced.
[[nodiscard]] Result<StartOptions> read_start(const ::CreateInstanceRequest& request);

// `payloads`: with input, output, custom status and failure.
void write_state(const InstanceState& state, bool payloads, ::OrchestrationState* out);

// Pages are of 1 to 1,000 instances, 100 when the client does not say.
[[nodiscard]] Result<InstanceQuery> read_query(const ::InstanceQuery& query);
// Nothing: no instance can match, as only those that have ended are listed.
[[nodiscard]] Result<std::optional<InstanceIdQuery>> read_query(
    const ::ListInstanceIdsRequest& request);

struct Purge {
  PurgeFilter filter;
  std::optional<Duration> timeout;
};
// Of a request with a purgeInstanceFilter.
[[nodiscard]] Result<Purge> read_purge(const ::PurgeInstancesRequest& request);

}  // namespace ingot::server
