// Calls that send an instance something: events, termination, suspension, resumption.

#include <atomic>
#include <memory>
#include <mutex>

#include "tools/ingotd/grpc/service.h"

namespace ingot::server {
namespace {

constexpr int kBatchMax = 500;  // the protocol's

}  // namespace

Service::Reactor* Service::RaiseEvent(Context* context, const ::RaiseEventRequest* request,
                                      ::RaiseEventResponse* /*response*/) {
  return with_hub(context, [this, request](Reactor* reactor, const HubPtr& hub) {
    hub->client().raise_event_async(request->instanceid(), request->name(),
                                    request->input().value(), message_finisher(reactor));
  });
}

Service::Reactor* Service::TerminateInstance(Context* context, const ::TerminateRequest* request,
                                             ::TerminateResponse* /*response*/) {
  return with_hub(context, [this, request](Reactor* reactor, const HubPtr& hub) {
    hub->client().terminate_async(request->instanceid(), request->output().value(),
                                  request->recursive(), message_finisher(reactor));
  });
}

Service::Reactor* Service::SuspendInstance(Context* context, const ::SuspendRequest* request,
                                           ::SuspendResponse* /*response*/) {
  return with_hub(context, [this, request](Reactor* reactor, const HubPtr& hub) {
    hub->client().suspend_async(request->instanceid(), request->reason().value(),
                                message_finisher(reactor));
  });
}

Service::Reactor* Service::ResumeInstance(Context* context, const ::ResumeRequest* request,
                                          ::ResumeResponse* /*response*/) {
  return with_hub(context, [this, request](Reactor* reactor, const HubPtr& hub) {
    hub->client().resume_async(request->instanceid(), request->reason().value(),
                               message_finisher(reactor));
  });
}

// Terminates each; those that can't be are named in the answer.
Service::Reactor* Service::SkipGracefulOrchestrationTerminations(
    Context* context, const ::SkipGracefulOrchestrationTerminationsRequest* request,
    ::SkipGracefulOrchestrationTerminationsResponse* response) {
  return with_hub(context, [this, request, response](Reactor* reactor, const HubPtr& hub) {
    const auto& ids = request->instancebatch().instanceids();
    if (ids.size() > kBatchMax) {
      return finish(reactor, Status(StatusCode::invalid_argument,
                                    "instanceBatch: at most 500 instances at a time"));
    }
    if (ids.empty()) return finish(reactor, {});
    struct Batch {
      std::mutex mutex;
      int left = 0;
    };
    const auto batch = std::make_shared<Batch>();
    batch->left = ids.size();
    for (const std::string& id : ids) {
      hub->client().terminate_async(id, request->reason().value(), false,
                                    [this, reactor, response, batch, id](const Status& status) {
                                      bool last = false;
                                      {
                                        const std::lock_guard lock(batch->mutex);
                                        if (!status.ok()) response->add_unterminatedinstanceids(id);
                                        last = --batch->left == 0;
                                      }
                                      if (last) finish_soon(reactor, {});
                                    });
    }
  });
}

}  // namespace ingot::server
