// Calls of workers: the stream of their work items, and what became of each.

#include "core/try.h"
#include "tools/ingotd/grpc/convert_actions.h"
#include "tools/ingotd/grpc/convert_entities.h"
#include "tools/ingotd/grpc/convert_values.h"
#include "tools/ingotd/grpc/service.h"
#include "tools/ingotd/grpc/worker_stream.h"
#include "tools/ingotd/log.h"

namespace ingot::server {
namespace {

// A call that ends before it has begun.
class RefusedStream final : public grpc::ServerWriteReactor<::WorkItem> {
 public:
  explicit RefusedStream(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

Status other_item(std::string_view instance_id) {
  return Status(
      StatusCode::invalid_argument,
      "completionToken: it is of another work item than of '" + std::string(instance_id) + "'");
}

constexpr const char* kRefused = "InvalidCompletion";

std::string refusal(const Status& why) {
  return "the worker's answer was refused: " + why.message();
}

// What becomes of an orchestration whose completion can't be taken: repeating it would not help.
OrchestrationOutcome failed_by(const Status& why) {
  OrchestrationOutcome outcome;
  HistoryEvent& failed = outcome.actions.emplace_back();
  failed.kind = HistoryEventKind::execution_completed;
  failed.event_id = 0;  // completions get a fresh one
  failed.status = RuntimeStatus::failed;
  failed.failure = FailureDetails{kRefused, refusal(why), true, {}};
  return outcome;
}

// The same of an entity: its batch has failed as a whole, and its state is what it was.
Result<EntityOutcome> failed_by(const Status& why, const EntityWorkItem& item) {
  ::EntityBatchResult failed;
  failed.mutable_failuredetails()->set_errortype(kRefused);
  failed.mutable_failuredetails()->set_errormessage(refusal(why));
  failed.mutable_failuredetails()->set_isnonretriable(true);
  return read_entity_result(failed, item);
}

void log_refusal(const Hub& hub, const std::string& instance_id, const Status& why) {
  log_warning("a worker's answer was refused",
              {{"hub", hub.name}, {"instance", instance_id}, {"why", why.message()}});
}

// A callback of a completion: `fail` is for an answer that can't be taken, `done` for all else.
Client::DoneFn unless_invalid(Client::DoneFn done, std::function<void(Status)> fail) {
  return [done = std::move(done), fail = std::move(fail)](Status status) {
    (status.code() == StatusCode::invalid_argument ? fail : done)(std::move(status));
  };
}

}  // namespace

grpc::ServerWriteReactor<::WorkItem>* Service::GetWorkItems(Context* context,
                                                            const ::GetWorkItemsRequest* request) {
  if (!is_admitted(*context)) return new RefusedStream(unauthenticated());
  if (core_.draining.load()) {
    return new RefusedStream({grpc::StatusCode::UNAVAILABLE, "the server stops"});
  }
  if (core_.streams.size() >= core_.config.streams_max) {
    return new RefusedStream({grpc::StatusCode::RESOURCE_EXHAUSTED,
                              "there are as many worker streams as streams-max allows"});
  }
  // A worker greets before it asks for work, which creates the hub if need be.
  Result<HubPtr> hub = core_.hubs.find(header(*context, "taskhub"));
  if (!hub.ok()) return new RefusedStream(to_grpc(hub.status()));
  const bool older = header(*context, "x-ingot-entity-requests") == "v1";
  return WorkerStream::start(core_, *std::move(hub), *request, older);
}

std::pair<std::optional<Service::Found>, Status> Service::find_item(const Hub& hub,
                                                                    std::string_view token,
                                                                    std::string_view instance_id,
                                                                    std::int32_t task_id) {
  if (!token.empty()) {
    const std::optional<CompletionToken> known = core_.tokens.read(token);
    // Of a server that ran before, say: the item is sent again.
    if (!known) return {std::nullopt, Status()};
    const bool other_task = task_id >= 0 && known->item.task_id != task_id;
    if (!instance_id.empty() && (!known->is_of(instance_id) || other_task)) {
      return {std::nullopt, other_item(instance_id)};
    }
    return {Found{known->item, hub.outstanding.find(known->item)}, Status()};
  }
  if (instance_id.empty()) {
    return {std::nullopt, Status(StatusCode::invalid_argument,
                                 "completionToken: it is missing, and so is the instance's id")};
  }
  OutstandingPtr item = hub.outstanding.find(instance_id, task_id);
  if (item == nullptr) return {std::nullopt, Status()};
  const WorkItemToken found = item->token;
  return {Found{found, std::move(item)}, Status()};
}

Client::DoneFn Service::settler(Reactor* reactor, HubPtr hub, const WorkItemToken& token,
                                std::optional<Status> refusal) {
  return [this, reactor, hub = std::move(hub), token, refusal](Status status) {
    core_.answers.post([this, reactor, hub, token, refusal, status = std::move(status)] {
      if (status.ok()) {
        hub->outstanding.settle(token);
      } else if (status.code() != StatusCode::invalid_argument && !hub->outstanding.refuse(token)) {
        // Nobody's: it is locked by nothing but this token.
        hub->work_items().return_item(token);
      }
      finish(reactor, refusal.value_or(status));
    });
  };
}

// Chunks come in their order, each once; the last one is not partial. Their bytes one behind the
// other are a message that has all of them.
Result<Service::Chunks> Service::add_chunk(OutstandingItem& item,
                                           const ::OrchestratorResponse& chunk,
                                           ::OrchestratorResponse& whole) {
  const std::lock_guard lock(item.chunks_mutex);
  const bool numbered = chunk.has_chunkindex();
  if (numbered && chunk.chunkindex().value() == 0) {
    // The worker begins anew.
    item.chunks.clear();
    item.chunks_taken = 0;
  }
  if (numbered && chunk.chunkindex().value() != item.chunks_taken) {
    return Status(StatusCode::invalid_argument,
                  "chunkIndex: " + std::to_string(chunk.chunkindex().value()) +
                      " came instead of " + std::to_string(item.chunks_taken));
  }
  if (item.chunks.size() + chunk.ByteSizeLong() > core_.config.chunk_bytes_max) {
    item.chunks.clear();
    item.chunks_taken = 0;
    return Chunks::too_many;
  }
  std::string bytes;
  if (!chunk.SerializeToString(&bytes)) return Status(StatusCode::internal, "a chunk");
  item.chunks += bytes;
  ++item.chunks_taken;
  if (chunk.ispartial()) return Chunks::incomplete;
  const bool parsed = whole.ParseFromString(item.chunks);
  item.chunks.clear();
  item.chunks_taken = 0;
  if (!parsed) return Status(StatusCode::invalid_argument, "the chunks are no completion");
  whole.set_ispartial(false);
  return Chunks::whole;
}

void Service::complete(Reactor* reactor, const HubPtr& hub,
                       const ::OrchestratorResponse& response) {
  const auto [found, answer] =
      find_item(*hub, response.completiontoken(), response.instanceid(), -1);
  if (!found) return finish(reactor, answer);
  const WorkItemToken token = found->token;
  if (response.requireshistory()) {
    // It has been given all that there is; another try may find it whole.
    return hub->work_items().abandon_async(token, settler(reactor, hub, token));
  }
  const auto fail = [this, reactor, hub, token, id = response.instanceid()](Status why) {
    log_refusal(*hub, id, why);
    OrchestrationOutcome failed = failed_by(why);
    hub->work_items().complete_orchestration_async(token, std::move(failed),
                                                   settler(reactor, hub, token, std::move(why)));
  };
  const ::OrchestratorResponse* whole = &response;
  ::OrchestratorResponse joined;
  if (response.ispartial() || response.has_chunkindex()) {
    if (found->item == nullptr) return finish(reactor, {});  // stale
    const Result<Chunks> chunks = add_chunk(*found->item, response, joined);
    if (!chunks.ok() || *chunks == Chunks::incomplete) return finish(reactor, chunks.status());
    if (*chunks == Chunks::too_many) {
      return fail(Status(StatusCode::invalid_argument,
                         "the chunks of this completion are over the limit of " +
                             std::to_string(core_.config.chunk_bytes_max) +
                             " bytes (chunk-bytes-max)"));
    }
    whole = &joined;
  }
  Result<OrchestrationOutcome> outcome = read_outcome(*whole);
  if (!outcome.ok()) return fail(outcome.take_status());
  hub->work_items().complete_orchestration_async(
      token, *std::move(outcome), unless_invalid(settler(reactor, hub, token), fail));
}

Service::Reactor* Service::CompleteOrchestratorTask(Context* context,
                                                    const ::OrchestratorResponse* request,
                                                    ::CompleteTaskResponse* /*response*/) {
  return with_hub(context, [this, request](Reactor* reactor, const HubPtr& hub) {
    complete(reactor, hub, *request);
  });
}

Service::Reactor* Service::CompleteActivityTask(Context* context, const ::ActivityResponse* request,
                                                ::CompleteTaskResponse* /*response*/) {
  return with_hub(context, [this, request](Reactor* reactor, const HubPtr& hub) {
    const auto [found, answer] =
        find_item(*hub, request->completiontoken(), request->instanceid(), request->taskid());
    if (!found) return finish(reactor, answer);
    Client::DoneFn done = settler(reactor, hub, found->token);
    if (request->has_failuredetails()) {
      hub->work_items().fail_activity_async(found->token, read_failure(request->failuredetails()),
                                            std::move(done));
      return;
    }
    std::optional<std::string> result;
    if (request->has_result()) result = request->result().value();
    hub->work_items().complete_activity_async(found->token, std::move(result), std::move(done));
  });
}

Service::Reactor* Service::CompleteEntityTask(Context* context, const ::EntityBatchResult* request,
                                              ::CompleteTaskResponse* /*response*/) {
  return with_hub(context, [this, request](Reactor* reactor, const HubPtr& hub) {
    const auto [found, answer] = find_item(*hub, request->completiontoken(), {}, -1);
    if (!found) return finish(reactor, answer);
    if (found->item == nullptr || found->item->entity == nullptr) return finish(reactor, {});
    const auto fail = [this, reactor, hub, token = found->token, item = found->item](Status why) {
      log_refusal(*hub, item->instance_id, why);
      Result<EntityOutcome> failed = failed_by(why, *item->entity);
      if (!failed.ok()) return finish_soon(reactor, failed.take_status());
      hub->work_items().complete_entity_async(token, *std::move(failed),
                                              settler(reactor, hub, token, std::move(why)));
    };
    Result<EntityOutcome> outcome = read_entity_result(*request, *found->item->entity);
    if (!outcome.ok()) return fail(outcome.take_status());
    hub->work_items().complete_entity_async(
        found->token, *std::move(outcome),
        unless_invalid(settler(reactor, hub, found->token), fail));
  });
}

Service::Reactor* Service::abandon(Context* context, std::string token) {
  return with_hub(context, [this, token = std::move(token)](Reactor* reactor, const HubPtr& hub) {
    const auto [found, answer] = find_item(*hub, token, {}, -1);
    if (!found) return finish(reactor, answer);
    hub->work_items().abandon_async(found->token, settler(reactor, hub, found->token));
  });
}

Service::Reactor* Service::AbandonTaskActivityWorkItem(
    Context* context, const ::AbandonActivityTaskRequest* request,
    ::AbandonActivityTaskResponse* /*response*/) {
  return abandon(context, request->completiontoken());
}

Service::Reactor* Service::AbandonTaskOrchestratorWorkItem(
    Context* context, const ::AbandonOrchestrationTaskRequest* request,
    ::AbandonOrchestrationTaskResponse* /*response*/) {
  return abandon(context, request->completiontoken());
}

Service::Reactor* Service::AbandonTaskEntityWorkItem(Context* context,
                                                     const ::AbandonEntityTaskRequest* request,
                                                     ::AbandonEntityTaskResponse* /*response*/) {
  return abandon(context, request->completiontoken());
}

}  // namespace ingot::server
