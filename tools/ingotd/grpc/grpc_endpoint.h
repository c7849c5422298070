#pragma once

// GrpcEndpoint: the gRPC side of the server: its listener, its service, its pings and its end.
//
// drain(): workers get no more items; they may finish what they have, then their streams end with
// OK; clients that wait are told to try again (UNAVAILABLE).

#include <grpcpp/server.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "tools/ingotd/endpoint.h"
#include "tools/ingotd/grpc/service.h"
#include "tools/ingotd/grpc/service_core.h"

namespace ingot::server {

class GrpcEndpoint final : public Endpoint {
 public:
  // Listens. invalid_argument or io_error names the certificate, key, token file or address.
  static Result<std::unique_ptr<Endpoint>> start(const ServerConfig& config, Hubs& hubs,
                                                 ServerFigures& figures);
  // After the hubs have closed: they may call back until then.
  ~GrpcEndpoint() override;

  [[nodiscard]] std::uint16_t port() const override { return port_; }
  void drain() override;
  void stop() override;

 private:
  GrpcEndpoint(const ServerConfig& config, Hubs& hubs, ServerFigures& figures,
               AccessControl access);
  Status listen();
  void ping();
  // Ends every call, and the server `patience` later.
  void shut_down(const grpc::Status& streams, Duration patience);

  const ServerConfig config_;
  ServiceCore core_;
  Service service_;
  std::uint16_t port_ = 0;
  std::unique_ptr<grpc::Server> server_;

  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::thread pinger_;
};

}  // namespace ingot::server
