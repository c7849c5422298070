#include "tools/ingotd/grpc/service.h"

#include <memory>

namespace ingot::server {

std::string_view Service::header(const Context& context, std::string_view name) {
  const auto& headers = context.client_metadata();
  const auto found = headers.find(grpc::string_ref(name.data(), name.size()));
  if (found == headers.end()) return {};
  return {found->second.data(), found->second.size()};
}

bool Service::is_admitted(const Context& context) {
  core_.figures.calls.fetch_add(1, std::memory_order_relaxed);
  if (core_.access.admits(header(context, "authorization"))) return true;
  core_.figures.calls_refused.fetch_add(1, std::memory_order_relaxed);
  return false;
}

void Service::with_hub(const Context& context, HubFn work, RefuseFn refuse) {
  const std::string_view name = header(context, "taskhub");
  Result<HubPtr> hub = core_.hubs.find(name);
  if (hub.ok()) return work(*hub);
  if (hub.status().code() != StatusCode::not_found || !core_.config.create_hubs) {
    return refuse(hub.status());
  }
  // `work` and `refuse` are for one of two: both are needed below.
  const auto refused = std::make_shared<RefuseFn>(std::move(refuse));
  const bool taken =
      core_.slow.try_post([this, name = std::string(name), work = std::move(work), refused] {
        const Result<HubPtr> created = core_.hubs.find_or_create(name);
        if (created.ok()) {
          work(*created);
        } else {
          (*refused)(created.status());
        }
      });
  if (!taken) {
    (*refused)(Status(StatusCode::overloaded, "too many calls wait for a task hub to be created"));
  }
}

Service::Reactor* Service::with_hub(Context* context,
                                    std::function<void(Reactor*, const HubPtr&)> work) {
  Reactor* reactor = context->DefaultReactor();
  if (!is_admitted(*context)) {
    reactor->Finish(unauthenticated());
    return reactor;
  }
  with_hub(
      *context, [reactor, work = std::move(work)](const HubPtr& hub) { work(reactor, hub); },
      [this, reactor](const Status& status) { finish(reactor, status); });
  return reactor;
}

grpc::Status Service::unauthenticated() {
  return {grpc::StatusCode::UNAUTHENTICATED,
          "this server asks for a token: send the header 'authorization: Bearer <token>' with one "
          "that it knows"};
}

Service::Reactor* Service::with_hub_slowly(Context* context,
                                           std::function<Status(const HubPtr&)> work) {
  return with_hub(context, [this, work = std::move(work)](Reactor* reactor, const HubPtr& hub) {
    run_slowly(reactor, [hub, work] { return work(hub); });
  });
}

void Service::run_slowly(Reactor* reactor, std::function<Status()> work) {
  if (core_.slow.try_post([this, reactor, work = std::move(work)] { finish(reactor, work()); })) {
    return;
  }
  finish(reactor, Status(StatusCode::overloaded,
                         "too many queries and purges wait already; try again later"));
}

void Service::finish(Reactor* reactor, const Status& status) {
  if (!status.ok()) core_.figures.calls_failed.fetch_add(1, std::memory_order_relaxed);
  reactor->Finish(to_grpc(status));
}

void Service::finish_soon(Reactor* reactor, Status status) {
  core_.answers.post([this, reactor, status = std::move(status)] { finish(reactor, status); });
}

Client::DoneFn Service::finisher(Reactor* reactor) {
  return [this, reactor](Status status) { finish_soon(reactor, std::move(status)); };
}

Client::DoneFn Service::message_finisher(Reactor* reactor) {
  return [this, reactor](Status status) {
    const bool ended = status.code() == StatusCode::failed_precondition;
    finish_soon(reactor, ended ? Status() : std::move(status));
  };
}

}  // namespace ingot::server
