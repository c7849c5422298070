#include "tools/ingotd/grpc/instance_wait.h"

#include <utility>

#include "tools/ingotd/grpc/convert_instances.h"
#include "tools/ingotd/grpc/grpc_status.h"

namespace ingot::server {

InstanceWait::InstanceWait(ServiceCore& core, const ::GetInstanceRequest& request,
                           ::GetInstanceResponse* response)
    : core_(core),
      instance_id_(request.instanceid()),
      payloads_(request.getinputsandoutputs()),
      response_(response) {}

std::shared_ptr<InstanceWait> InstanceWait::make(ServiceCore& core,
                                                 const ::GetInstanceRequest& request,
                                                 ::GetInstanceResponse* response) {
  auto wait = std::make_shared<InstanceWait>(core, request, response);
  wait->self_ = wait;
  core.waits.add(wait);
  core.figures.clients_waiting.fetch_add(1);
  return wait;
}

void InstanceWait::start(HubPtr hub, For what) {
  {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    hub_ = hub;
  }
  Client::StateFn done = [wait = shared_from_this()](Result<InstanceState> state) {
    wait->core_.answers.post([wait, state = std::move(state)] { wait->answer(state); });
  };
  Client& client = hub->client();
  const std::uint64_t id =
      what == For::start
          ? client.wait_for_start_async(instance_id_, std::move(done), payloads_)
          : client.wait_for_completion_async(instance_id_, std::move(done), payloads_);
  bool gone = false;
  {
    const std::lock_guard lock(mutex_);
    wait_ = id;
    gone = finished_;
  }
  // It may have ended before its number was known.
  if (gone) client.cancel_wait(instance_id_, id);
}

void InstanceWait::answer(const Result<InstanceState>& state) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(finished_, true)) return;
  if (state.ok()) {
    response_->set_exists(true);
    write_state(*state, payloads_, response_->mutable_orchestrationstate());
    Finish(grpc::Status::OK);
  } else if (state.status().code() == StatusCode::not_found) {
    response_->set_exists(false);
    Finish(grpc::Status::OK);
  } else {
    Finish(to_grpc(state.status()));
  }
}

void InstanceWait::end(const grpc::Status& status) {
  HubPtr hub;
  std::uint64_t wait = 0;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(finished_, true)) return;
    hub = hub_;
    wait = wait_;
    Finish(status);
  }
  if (hub && wait != 0) hub->client().cancel_wait(instance_id_, wait);
}

void InstanceWait::OnCancel() { end({grpc::StatusCode::CANCELLED, "the client has left"}); }

void InstanceWait::OnDone() {
  core_.figures.clients_waiting.fetch_sub(1);
  core_.waits.remove(*this);
  const auto last = std::move(self_);
}

}  // namespace ingot::server
