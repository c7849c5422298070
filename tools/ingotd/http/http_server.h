#pragma once

// HttpServer: HTTP/1.1 connections, with or without TLS. Knows nothing of hubs.
//
// One thread does all reading and writing without ever blocking; the handler's work runs on a few
// others. So a client that is slow, silent or gone costs a connection and no thread.
//
// Invariants:
//   - everything is bounded: connections, header and body bytes, the bytes of all bodies together,
//     requests that wait for a worker, and the time of each phase of an exchange;
//   - when there are too many connections, the oldest that has not sent a whole request goes;
//   - no body is read before the handler has seen and passed the header.

#include <ingot/status.h>
#include <ingot/time.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tools/ingotd/http/message.h"

namespace ingot::server {

struct HttpServerOptions {
  std::string address = "127.0.0.1";  // an IP address
  std::uint16_t port = 0;             // 0: any free one
  std::uint32_t workers = 8;
  std::uint32_t urgent_workers = 2;          // for requests that are urgent: probes
  std::uint32_t requests_waiting_max = 256;  // for a worker; more are answered with 503
  std::uint32_t connections_max = 1024;
  std::uint32_t header_bytes_max = 16U << 10;
  std::uint64_t body_bytes_max = 16ULL << 20;          // more is answered with 413
  std::uint64_t body_bytes_in_all_max = 256ULL << 20;  // more is answered with 503
  Duration idle_timeout = std::chrono::seconds(75);    // between two requests
  Duration header_timeout = std::chrono::seconds(10);  // from a request's first byte
  Duration body_timeout = std::chrono::seconds(60);
  Duration write_timeout = std::chrono::seconds(60);
  // PEM texts: TLS when there is a certificate, and with a CA clients must show one of its own.
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_client_ca;
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // On the I/O thread, with the header only: must not block. An answer ends the request (its body
  // is never read); nullopt passes it on to handle().
  [[nodiscard]] virtual std::optional<HttpResponse> screen(HttpRequest& head) = 0;
  // On a worker's thread; may block.
  [[nodiscard]] virtual HttpResponse handle(const HttpRequest& request) = 0;
  // Called on the I/O thread for each request that was answered, and how long that took. What was
  // not understood has no method.
  virtual void answered(const HttpRequest& request, int status, Duration taken) = 0;
};

class HttpServer {
 public:
  // Listens when it returns; `handler` outlives the server. invalid_argument (address, TLS files),
  // io_error (the address is taken).
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(const HttpServerOptions& options,
                                                                 HttpHandler& handler);
  virtual ~HttpServer() = default;  // as stop()

  [[nodiscard]] virtual std::uint16_t port() const = 0;
  [[nodiscard]] virtual std::uint32_t connections() const = 0;  // open now
  // Takes no new connection, closes the idle ones, and returns when each request that is under way
  // has been answered, or `timeout` has passed.
  virtual void drain(Duration timeout) = 0;
  // Closes all connections. Returns when no handler runs any more.
  virtual void stop() = 0;
};

}  // namespace ingot::server
