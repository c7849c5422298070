#include "tools/ingotd/server.h"

#include <utility>

#include "core/try.h"
#include "tools/ingotd/log.h"

namespace ingot::server {

Result<std::unique_ptr<Server>> Server::start(const ServerConfig& config) {
  INGOT_TRY(validate(config));
  std::unique_ptr<Server> server(new Server(config));
  INGOT_ASSIGN(server->hubs_, Hubs::open(server->config_));
  // The HTTP endpoint starts here: start_http(config_, *hubs_, figures_), unless config_.http is
  // empty.
  return server;
}

Server::~Server() { stop(); }

Status Server::drain() {
  figures_.draining.store(true);
  for (Endpoint* endpoint : {grpc_.get(), http_.get()}) {
    if (endpoint != nullptr) endpoint->drain();
  }
  grpc_.reset();
  http_.reset();
  return hubs_->close();
}

void Server::stop() {
  figures_.draining.store(true);
  for (Endpoint* endpoint : {grpc_.get(), http_.get()}) {
    if (endpoint != nullptr) endpoint->stop();
  }
  grpc_.reset();
  http_.reset();
  if (hubs_) static_cast<void>(hubs_->close());
}

}  // namespace ingot::server
