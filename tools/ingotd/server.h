#pragma once

// Server: the hubs and the endpoints of one `ingotd`, started and stopped in their order. The
// composition root of the program, and of the tests that run it in their own process.

#include <ingot/status.h>

#include <functional>
#include <memory>
#include <vector>

#include "tools/ingotd/config.h"
#include "tools/ingotd/endpoint.h"
#include "tools/ingotd/hubs.h"

namespace ingot::server {

class Server {
 public:
  // Opens the hubs and starts to listen; when it returns, clients are served.
  static Result<std::unique_ptr<Server>> start(const ServerConfig& config);
  ~Server();  // as stop()

  [[nodiscard]] const ServerConfig& config() const { return config_; }
  [[nodiscard]] Hubs& hubs() { return *hubs_; }
  [[nodiscard]] ServerFigures& figures() { return figures_; }
  // Null when there is none.
  [[nodiscard]] Endpoint* grpc() const { return grpc_.get(); }
  [[nodiscard]] Endpoint* http() const { return http_.get(); }

  // Drains the endpoints, takes checkpoints and closes the hubs.
  Status drain();
  // The same without waiting for anyone but the disk.
  void stop();

 private:
  explicit Server(ServerConfig config) : config_(std::move(config)) {}

  const ServerConfig config_;
  ServerFigures figures_;
  std::unique_ptr<Hubs> hubs_;
  std::unique_ptr<Endpoint> grpc_;
  std::unique_ptr<Endpoint> http_;
};

}  // namespace ingot::server
