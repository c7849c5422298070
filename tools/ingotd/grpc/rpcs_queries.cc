// Calls about many instances, purging, and histories.

#include <algorithm>
#include <limits>

#include "core/try.h"
#include "tools/ingotd/grpc/convert_instances.h"
#include "tools/ingotd/grpc/history_stream.h"
#include "tools/ingotd/grpc/service.h"
#include "tools/ingotd/pages.h"

namespace ingot::server {
namespace {

constexpr int kBatchMax = 500;  // the protocol's
// A purge holds a thread; what is left by then is told as isComplete = false.
constexpr Duration kPurgeTimeout = std::chrono::minutes(1);

std::int32_t count_of(std::uint64_t purged) {
  constexpr auto kMost = std::numeric_limits<std::int32_t>::max();
  return static_cast<std::int32_t>(std::min<std::uint64_t>(purged, kMost));
}

// Whatever can't be purged counts as none, so that the rest of a batch is.
Result<std::uint64_t> purge_one(const HubPtr& hub, const std::string& id, bool recursive) {
  if (is_entity_id(id)) return std::uint64_t{0};
  return hub->client().purge_instance(id, recursive);
}

Status purge(const HubPtr& hub, const ::PurgeInstancesRequest& request,
             ::PurgeInstancesResponse* response) {
  switch (request.request_case()) {
    case ::PurgeInstancesRequest::kInstanceId: {
      Result<std::uint64_t> purged = purge_one(hub, request.instanceid(), request.recursive());
      // One that still runs is not purged, which is no failure of the call.
      if (!purged.ok() && purged.status().code() != StatusCode::failed_precondition) {
        return purged.take_status();
      }
      response->set_deletedinstancecount(count_of(purged.ok() ? *purged : 0));
      response->mutable_iscomplete()->set_value(true);
      return {};
    }
    case ::PurgeInstancesRequest::kInstanceBatch: {
      const auto& ids = request.instancebatch().instanceids();
      if (ids.size() > kBatchMax) {
        return Status(StatusCode::invalid_argument,
                      "instanceBatch: at most 500 instances at a time");
      }
      std::uint64_t sum = 0;
      for (const std::string& id : ids) {
        Result<std::uint64_t> purged = purge_one(hub, id, request.recursive());
        if (!purged.ok() && purged.status().code() != StatusCode::failed_precondition) {
          return purged.take_status();
        }
        if (purged.ok()) sum += *purged;
      }
      response->set_deletedinstancecount(count_of(sum));
      response->mutable_iscomplete()->set_value(true);
      return {};
    }
    case ::PurgeInstancesRequest::kPurgeInstanceFilter: {
      INGOT_ASSIGN(const Purge wanted, read_purge(request));
      INGOT_ASSIGN(
          const PurgeResult result,
          hub->client().purge_instances(
              wanted.filter, std::min(wanted.timeout.value_or(kPurgeTimeout), kPurgeTimeout)));
      response->set_deletedinstancecount(count_of(result.purged));
      response->mutable_iscomplete()->set_value(result.complete);
      return {};
    }
    case ::PurgeInstancesRequest::REQUEST_NOT_SET:
      break;
  }
  return Status(StatusCode::invalid_argument,
                "request: one of instanceId, purgeInstanceFilter and instanceBatch is needed");
}

}  // namespace

Service::Reactor* Service::QueryInstances(Context* context, const ::QueryInstancesRequest* request,
                                          ::QueryInstancesResponse* response) {
  return with_hub_slowly(context, [request, response](const HubPtr& hub) -> Status {
    INGOT_ASSIGN(const InstanceQuery query, read_query(request->query()));
    INGOT_ASSIGN(const std::string next,
                 give_page(
                     query, query.with_payloads, kMessagePageBytesMax,
                     [&](const InstanceQuery& step) { return hub->client().query_instances(step); },
                     [](const InstancePage& page) -> auto& { return page.instances; },
                     [&](const InstanceState& state) {
                       write_state(state, query.with_payloads, response->add_orchestrationstate());
                     }));
    if (!next.empty()) response->mutable_continuationtoken()->set_value(next);
    return {};
  });
}

Service::Reactor* Service::ListInstanceIds(Context* context,
                                           const ::ListInstanceIdsRequest* request,
                                           ::ListInstanceIdsResponse* response) {
  return with_hub_slowly(context, [request, response](const HubPtr& hub) -> Status {
    INGOT_ASSIGN(const std::optional<InstanceIdQuery> query, read_query(*request));
    if (!query) return {};
    INGOT_ASSIGN(InstanceIdPage page, hub->client().list_instance_ids(*query));
    for (std::string& id : page.ids) response->add_instanceids(std::move(id));
    if (!page.continuation_token.empty()) {
      response->mutable_lastinstancekey()->set_value(page.continuation_token);
    }
    return {};
  });
}

Service::Reactor* Service::PurgeInstances(Context* context, const ::PurgeInstancesRequest* request,
                                          ::PurgeInstancesResponse* response) {
  return with_hub_slowly(
      context, [request, response](const HubPtr& hub) { return purge(hub, *request, response); });
}

grpc::ServerWriteReactor<::HistoryChunk>* Service::StreamInstanceHistory(
    Context* context, const ::StreamInstanceHistoryRequest* request) {
  const auto stream = HistoryStream::make(core_);
  if (!is_admitted(*context)) {
    stream->end(unauthenticated());
  } else {
    with_hub(
        *context,
        [stream, id = request->instanceid()](const HubPtr& hub) { stream->start(hub, id); },
        [stream](const Status& status) { stream->end(to_grpc(status)); });
  }
  return stream.get();
}

}  // namespace ingot::server
