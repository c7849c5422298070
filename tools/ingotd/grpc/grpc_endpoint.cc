#include "tools/ingotd/grpc/grpc_endpoint.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include "core/random.h"
#include "core/try.h"
#include "tools/ingotd/grpc/instance_wait.h"
#include "tools/ingotd/grpc/worker_stream.h"
#include "tools/ingotd/log.h"
#include "tools/ingotd/tls_files.h"

namespace ingot::server {
namespace {

Result<std::shared_ptr<grpc::ServerCredentials>> make_credentials(const ServerConfig& config) {
  if (config.tls_certificate.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options(
      config.tls_client_ca.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                   : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  INGOT_ASSIGN(TlsFiles files, TlsFiles::read(config));
  options.pem_key_cert_pairs.push_back({std::move(files.key), std::move(files.certificate)});
  options.pem_root_certs = std::move(files.client_ca);
  return grpc::SslServerCredentials(options);
}

}  // namespace

GrpcEndpoint::GrpcEndpoint(const ServerConfig& config, Hubs& hubs, ServerFigures& figures,
                           AccessControl access)
    : config_(config),
      core_(config_, hubs, figures, std::move(access), entropy64()),
      service_(core_) {}

Result<std::unique_ptr<Endpoint>> GrpcEndpoint::start(const ServerConfig& config, Hubs& hubs,
                                                      ServerFigures& figures) {
  AccessControl access;
  if (!config.token_file.empty()) {
    INGOT_ASSIGN(access, AccessControl::from_file(config.token_file));
  }
  std::unique_ptr<GrpcEndpoint> endpoint(
      new GrpcEndpoint(config, hubs, figures, std::move(access)));
  INGOT_TRY(endpoint->listen());
  return std::unique_ptr<Endpoint>(std::move(endpoint));
}

Status GrpcEndpoint::listen() {
  INGOT_ASSIGN(const auto credentials, make_credentials(config_));
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(config_.listen, credentials, &port);
  builder.RegisterService(&service_);
  builder.SetMaxReceiveMessageSize(static_cast<int>(config_.message_bytes_max));
  builder.SetMaxSendMessageSize(-1);
  // A second server on the port must not start in silence and take half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // A peer that is gone without a word is noticed, and clients may look after us the same way.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || (port == 0 && !config_.listen.starts_with("unix:"))) {
    return Status(StatusCode::io_error,
                  "listen: '" + config_.listen +
                      "' can't be listened on (in use?), or the certificate and key don't fit");
  }
  port_ = config_.listen.starts_with("unix:") ? 0 : static_cast<std::uint16_t>(port);
  pinger_ = std::thread([this] { ping(); });
  return {};
}

// Twice an interval, so that no stream is silent for longer than one and a half.
void GrpcEndpoint::ping() {
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, config_.ping_interval / 2, [this] { return stopping_; })) {
    lock.unlock();
    const auto then = std::chrono::steady_clock::now() - config_.ping_interval / 2;
    for (const auto& stream : core_.streams.all()) {
      stream->give_back_refused();
      stream->ping_unless_sent_since(then);
    }
    lock.lock();
  }
}

void GrpcEndpoint::drain() {
  if (server_ == nullptr) return;
  core_.draining.store(true);
  const auto until = std::chrono::steady_clock::now() + config_.drain_timeout;
  for (const auto& stream : core_.streams.all()) stream->quiesce();
  const auto busy = [this] {
    for (const auto& stream : core_.streams.all()) {
      if (!stream->is_idle()) return true;
    }
    return false;
  };
  while (busy() && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  shut_down(grpc::Status::OK, std::chrono::seconds(5));
}

void GrpcEndpoint::stop() {
  if (server_ == nullptr) return;
  core_.draining.store(true);
  shut_down({grpc::StatusCode::UNAVAILABLE, "the server stops"}, Duration(0));
}

void GrpcEndpoint::shut_down(const grpc::Status& streams, Duration patience) {
  for (const auto& stream : core_.streams.all()) stream->end(streams);
  for (const auto& wait : core_.waits.all()) {
    wait->end({grpc::StatusCode::UNAVAILABLE, "the server stops"});
  }
  server_->Shutdown(std::chrono::system_clock::now() + patience);
  server_->Wait();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
  if (pinger_.joinable()) pinger_.join();
  core_.slow.stop();
  core_.answers.stop();
  server_.reset();
}

GrpcEndpoint::~GrpcEndpoint() { stop(); }

}  // namespace ingot::server
