#include "tools/ingotd/server.h"

#include <utility>

#include "core/try.h"
#include "tools/ingotd/grpc/grpc_endpoint.h"
#include "tools/ingotd/http_endpoint.h"
#include "tools/ingotd/log.h"

namespace ingot::server {

Result<std::unique_ptr<Server>> Server::start(const ServerConfig& config) {
  INGOT_TRY(validate(config));
  std::unique_ptr<Server> server(new Server(config));
  INGOT_ASSIGN(server->hubs_, Hubs::open(server->config_));
  INGOT_ASSIGN(server->grpc_,
               GrpcEndpoint::start(server->config_, *server->hubs_, server->figures_));
  if (!server->config_.http.empty()) {
    INGOT_ASSIGN(server->http_, start_http(server->config_, *server->hubs_, server->figures_));
  }
  return server;
}

Server::~Server() { stop(); }

Status Server::drain() {
  figures_.draining.store(true);
  for (Endpoint* endpoint : {grpc_.get(), http_.get()}) {
    if (endpoint != nullptr) endpoint->drain();
  }
  // The endpoints stay until the hubs have called back for the last time.
  return hubs_->close();
}

void Server::stop() {
  figures_.draining.store(true);
  for (Endpoint* endpoint : {grpc_.get(), http_.get()}) {
    if (endpoint != nullptr) endpoint->stop();
  }
  if (hubs_) static_cast<void>(hubs_->close());
}

}  // namespace ingot::server
