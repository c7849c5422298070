// Calls about one instance: start, state, waits, rewind, restart.

#include "tools/ingotd/grpc/convert_instances.h"
#include "tools/ingotd/grpc/instance_wait.h"
#include "tools/ingotd/grpc/service.h"

namespace ingot::server {

Service::Reactor* Service::Hello(Context* context, const google::protobuf::Empty* /*request*/,
                                 google::protobuf::Empty* /*response*/) {
  // The hub too: a client that greets learns that it has named a wrong one.
  return with_hub(context,
                  [this](Reactor* reactor, const HubPtr& /*hub*/) { finish(reactor, {}); });
}

Service::Reactor* Service::StartInstance(Context* context, const ::CreateInstanceRequest* request,
                                         ::CreateInstanceResponse* response) {
  return with_hub(context, [this, request, response](Reactor* reactor, const HubPtr& hub) {
    Result<StartOptions> options = read_start(*request);
    if (!options.ok()) return finish(reactor, options.status());
    hub->client().schedule_new_orchestration_async(
        request->name(), *std::move(options), [this, reactor, response](Result<std::string> id) {
          if (id.ok()) response->set_instanceid(*id);
          finish_soon(reactor, id.take_status());
        });
  });
}

Service::Reactor* Service::GetInstance(Context* context, const ::GetInstanceRequest* request,
                                       ::GetInstanceResponse* response) {
  return with_hub(context, [this, request, response](Reactor* reactor, const HubPtr& hub) {
    const bool payloads = request->getinputsandoutputs();
    hub->client().get_instance_async(
        request->instanceid(), payloads,
        [this, reactor, response, payloads](Result<InstanceState> state) {
          core_.answers.post([this, reactor, response, payloads, state = std::move(state)] {
            response->set_exists(state.ok());
            if (state.ok()) {
              write_state(*state, payloads, response->mutable_orchestrationstate());
            }
            // That there is none is an answer.
            const bool missing = state.status().code() == StatusCode::not_found;
            finish(reactor, missing ? Status() : state.status());
          });
        });
  });
}

Service::Reactor* Service::wait_for(Context* context, const ::GetInstanceRequest& request,
                                    ::GetInstanceResponse* response, bool completion) {
  const auto wait = InstanceWait::make(core_, request, response);
  if (!is_admitted(*context)) {
    wait->end(unauthenticated());
  } else if (core_.draining.load()) {
    wait->end({grpc::StatusCode::UNAVAILABLE, "the server stops"});
  } else if (core_.figures.clients_waiting.load() > core_.config.waits_max) {
    wait->end({grpc::StatusCode::RESOURCE_EXHAUSTED,
               "as many clients wait for an instance as waits-max allows; poll GetInstance"});
  } else {
    with_hub(
        *context,
        [wait, completion](const HubPtr& hub) {
          wait->start(hub, completion ? InstanceWait::For::completion : InstanceWait::For::start);
        },
        [wait](const Status& status) { wait->end(to_grpc(status)); });
  }
  return wait.get();
}

Service::Reactor* Service::WaitForInstanceStart(Context* context,
                                                const ::GetInstanceRequest* request,
                                                ::GetInstanceResponse* response) {
  return wait_for(context, *request, response, false);
}

Service::Reactor* Service::WaitForInstanceCompletion(Context* context,
                                                     const ::GetInstanceRequest* request,
                                                     ::GetInstanceResponse* response) {
  return wait_for(context, *request, response, true);
}

Service::Reactor* Service::RewindInstance(Context* context, const ::RewindInstanceRequest* request,
                                          ::RewindInstanceResponse* /*response*/) {
  return with_hub(context, [this, request](Reactor* reactor, const HubPtr& hub) {
    hub->client().rewind_async(request->instanceid(), request->reason().value(), finisher(reactor));
  });
}

Service::Reactor* Service::RestartInstance(Context* context,
                                           const ::RestartInstanceRequest* request,
                                           ::RestartInstanceResponse* response) {
  return with_hub(context, [this, request, response](Reactor* reactor, const HubPtr& hub) {
    hub->client().restart_async(request->instanceid(), request->restartwithnewinstanceid(),
                                [this, reactor, response](Result<std::string> id) {
                                  if (id.ok()) response->set_instanceid(*id);
                                  finish_soon(reactor, id.take_status());
                                });
  });
}

}  // namespace ingot::server
