// Calls that create and delete task hubs: the one that the `taskhub` header names.

#include "tools/ingotd/grpc/service.h"

namespace ingot::server {

Service::Reactor* Service::CreateTaskHub(Context* context, const ::CreateTaskHubRequest* request,
                                         ::CreateTaskHubResponse* /*response*/) {
  Reactor* reactor = context->DefaultReactor();
  if (!is_admitted(*context)) {
    reactor->Finish(unauthenticated());
    return reactor;
  }
  run_slowly(reactor, [this, name = hub_name(*context), recreate = request->recreateifexists()] {
    return core_.hubs.create(name, recreate);
  });
  return reactor;
}

Service::Reactor* Service::DeleteTaskHub(Context* context,
                                         const ::DeleteTaskHubRequest* /*request*/,
                                         ::DeleteTaskHubResponse* /*response*/) {
  Reactor* reactor = context->DefaultReactor();
  if (!is_admitted(*context)) {
    reactor->Finish(unauthenticated());
    return reactor;
  }
  run_slowly(reactor, [this, name = hub_name(*context)] { return core_.hubs.remove(name); });
  return reactor;
}

std::string Service::hub_name(const Context& context) const {
  const std::string_view name = header(context, "taskhub");
  return name.empty() ? core_.hubs.default_name() : std::string(name);
}

}  // namespace ingot::server
