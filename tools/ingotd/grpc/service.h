#pragma once

// Service: the Durable Task service, TaskHubSidecarService, on the hubs of a server.
//
// Each call is admitted (token, hub by its `taskhub` header), started on the hub without waiting,
// and answered when the hub calls back. Calls that block are run by a few threads of their own.
// The calls are in rpcs_*.cc, by what they are about.

#include <grpcpp/grpcpp.h>
#include <orchestrator_service.grpc.pb.h>

#include <functional>
#include <string>
#include <utility>

#include "tools/ingotd/grpc/grpc_status.h"
#include "tools/ingotd/grpc/service_core.h"

namespace ingot::server {

class Service final : public ::TaskHubSidecarService::CallbackService {
 public:
  using Context = grpc::CallbackServerContext;
  using Reactor = grpc::ServerUnaryReactor;

  explicit Service(ServiceCore& core) : core_(core) {}

  // rpcs_instances.cc
  Reactor* Hello(Context* context, const google::protobuf::Empty* request,
                 google::protobuf::Empty* response) override;
  Reactor* StartInstance(Context* context, const ::CreateInstanceRequest* request,
                         ::CreateInstanceResponse* response) override;
  Reactor* GetInstance(Context* context, const ::GetInstanceRequest* request,
                       ::GetInstanceResponse* response) override;
  Reactor* WaitForInstanceStart(Context* context, const ::GetInstanceRequest* request,
                                ::GetInstanceResponse* response) override;
  Reactor* WaitForInstanceCompletion(Context* context, const ::GetInstanceRequest* request,
                                     ::GetInstanceResponse* response) override;
  Reactor* RewindInstance(Context* context, const ::RewindInstanceRequest* request,
                          ::RewindInstanceResponse* response) override;
  Reactor* RestartInstance(Context* context, const ::RestartInstanceRequest* request,
                           ::RestartInstanceResponse* response) override;

  // rpcs_messages.cc
  Reactor* RaiseEvent(Context* context, const ::RaiseEventRequest* request,
                      ::RaiseEventResponse* response) override;
  Reactor* TerminateInstance(Context* context, const ::TerminateRequest* request,
                             ::TerminateResponse* response) override;
  Reactor* SuspendInstance(Context* context, const ::SuspendRequest* request,
                           ::SuspendResponse* response) override;
  Reactor* ResumeInstance(Context* context, const ::ResumeRequest* request,
                          ::ResumeResponse* response) override;
  Reactor* SkipGracefulOrchestrationTerminations(
      Context* context, const ::SkipGracefulOrchestrationTerminationsRequest* request,
      ::SkipGracefulOrchestrationTerminationsResponse* response) override;

  // rpcs_queries.cc
  Reactor* QueryInstances(Context* context, const ::QueryInstancesRequest* request,
                          ::QueryInstancesResponse* response) override;
  Reactor* ListInstanceIds(Context* context, const ::ListInstanceIdsRequest* request,
                           ::ListInstanceIdsResponse* response) override;
  Reactor* PurgeInstances(Context* context, const ::PurgeInstancesRequest* request,
                          ::PurgeInstancesResponse* response) override;
  grpc::ServerWriteReactor<::HistoryChunk>* StreamInstanceHistory(
      Context* context, const ::StreamInstanceHistoryRequest* request) override;

  // rpcs_work.cc
  grpc::ServerWriteReactor<::WorkItem>* GetWorkItems(Context* context,
                                                     const ::GetWorkItemsRequest* request) override;
  Reactor* CompleteOrchestratorTask(Context* context, const ::OrchestratorResponse* request,
                                    ::CompleteTaskResponse* response) override;
  Reactor* CompleteActivityTask(Context* context, const ::ActivityResponse* request,
                                ::CompleteTaskResponse* response) override;
  Reactor* CompleteEntityTask(Context* context, const ::EntityBatchResult* request,
                              ::CompleteTaskResponse* response) override;
  Reactor* AbandonTaskActivityWorkItem(Context* context,
                                       const ::AbandonActivityTaskRequest* request,
                                       ::AbandonActivityTaskResponse* response) override;
  Reactor* AbandonTaskOrchestratorWorkItem(Context* context,
                                           const ::AbandonOrchestrationTaskRequest* request,
                                           ::AbandonOrchestrationTaskResponse* response) override;
  Reactor* AbandonTaskEntityWorkItem(Context* context, const ::AbandonEntityTaskRequest* request,
                                     ::AbandonEntityTaskResponse* response) override;

  // rpcs_entities.cc
  Reactor* SignalEntity(Context* context, const ::SignalEntityRequest* request,
                        ::SignalEntityResponse* response) override;
  Reactor* GetEntity(Context* context, const ::GetEntityRequest* request,
                     ::GetEntityResponse* response) override;
  Reactor* QueryEntities(Context* context, const ::QueryEntitiesRequest* request,
                         ::QueryEntitiesResponse* response) override;
  Reactor* CleanEntityStorage(Context* context, const ::CleanEntityStorageRequest* request,
                              ::CleanEntityStorageResponse* response) override;

  // rpcs_hubs.cc
  Reactor* CreateTaskHub(Context* context, const ::CreateTaskHubRequest* request,
                         ::CreateTaskHubResponse* response) override;
  Reactor* DeleteTaskHub(Context* context, const ::DeleteTaskHubRequest* request,
                         ::DeleteTaskHubResponse* response) override;

 private:
  using HubFn = std::function<void(const HubPtr&)>;
  using RefuseFn = std::function<void(const Status&)>;

  // A header of the call; empty when it has none.
  static std::string_view header(const Context& context, std::string_view name);
  // Whether the call bears a token, if one is asked for; also counts it.
  bool is_admitted(const Context& context);
  static grpc::Status unauthenticated();
  [[nodiscard]] std::string hub_name(const Context& context) const;
  // Calls `work` with the call's hub, at once or, when the hub has to be created first, on another
  // thread; or calls `refuse`.
  void with_hub(const Context& context, HubFn work, RefuseFn refuse);
  // Admits a unary call and does the same; a call that is refused is ended.
  Reactor* with_hub(Context* context, std::function<void(Reactor*, const HubPtr&)> work);
  // The same, on a thread that may block; the call ends with what `work` gives.
  Reactor* with_hub_slowly(Context* context, std::function<Status(const HubPtr&)> work);
  void run_slowly(Reactor* reactor, std::function<Status()> work);
  // Ends a call.
  void finish(Reactor* reactor, const Status& status);
  // From a hub's callback: ends the call on an answering thread.
  void finish_soon(Reactor* reactor, Status status);
  // A callback that ends the call.
  Client::DoneFn finisher(Reactor* reactor);
  // The same of a message to an instance that may have ended: it is dropped then, silently.
  Client::DoneFn message_finisher(Reactor* reactor);

  Reactor* wait_for(Context* context, const ::GetInstanceRequest& request,
                    ::GetInstanceResponse* response, bool completion);

  // The item that a completion is about: by its token or, without one, by the instance and task.
  // A status is the answer to the call then: ok for an item that is not there any more.
  struct Found {
    WorkItemToken token;
    OutstandingPtr item;  // may be null: the engine will say
  };
  std::pair<std::optional<Found>, Status> find_item(const Hub& hub, std::string_view token,
                                                    std::string_view instance_id,
                                                    std::int32_t task_id);
  // A callback of a completion: settles the item and ends the call; with `refusal`, if there is
  // one, because what was taken is another answer than the worker's.
  Client::DoneFn settler(Reactor* reactor, HubPtr hub, const WorkItemToken& token,
                         std::optional<Status> refusal = std::nullopt);
  Reactor* abandon(Context* context, std::string token);
  void complete(Reactor* reactor, const HubPtr& hub, const ::OrchestratorResponse& response);
  // What a completion's chunks are, with one more: `too_many` is more than chunk-bytes-max.
  enum class Chunks : std::uint8_t { incomplete, whole, too_many };
  // `whole` is all of them when they are. `invalid_argument` when this one came out of turn.
  Result<Chunks> add_chunk(OutstandingItem& item, const ::OrchestratorResponse& chunk,
                           ::OrchestratorResponse& whole);

  ServiceCore& core_;
};

}  // namespace ingot::server
