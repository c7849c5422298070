#pragma once

// HttpSession: one connection of HttpServer, over TCP or TLS.
//
//   (handshake) -> waiting -> reading the header -> screened -> reading the body -> a worker
//        -> writing -> waiting again, or closed
//
// Everything here runs on the I/O thread but `handle`, which a worker runs on a request that no one
// else touches meanwhile. A session lives as long as an operation of it is under way.

#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "tools/ingotd/http/http_server.h"

namespace ingot::server {

namespace asio = boost::asio;
namespace beast = boost::beast;
using TcpStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

// What a session needs of the server. All but submit()'s work is called on the I/O thread.
class SessionHost {
 public:
  virtual ~SessionHost() = default;
  [[nodiscard]] virtual const HttpServerOptions& options() const = 0;
  [[nodiscard]] virtual HttpHandler& handler() = 0;
  [[nodiscard]] virtual bool draining() const = 0;
  // False when too many wait.
  [[nodiscard]] virtual bool submit(std::function<void()> work, bool urgent) = 0;
  // Takes from the bytes of all bodies; false when they would be too many.
  [[nodiscard]] virtual bool take_body_bytes(std::uint64_t bytes) = 0;
  virtual void give_body_bytes(std::uint64_t bytes) = 0;
  // A session is gone.
  virtual void ended() = 0;
};

// What the server knows of a session.
class AnySession {
 public:
  virtual ~AnySession() = default;
  virtual void run() = 0;
  // Closes the connection now.
  virtual void cut() = 0;
  // Closes it unless a request is under way, which is answered first.
  virtual void close_when_idle() = 0;
  // No whole request has come: it may be cut to make room.
  [[nodiscard]] virtual bool expendable() const = 0;
};

[[nodiscard]] beast::http::response<beast::http::string_body> to_wire(HttpResponse&& response,
                                                                      bool head_only);
[[nodiscard]] HttpRequest from_wire(const beast::http::request<beast::http::string_body>& message);
// The answer to what could not be read; no status when the connection is just to be closed.
[[nodiscard]] std::optional<HttpResponse> answer_to_fault(beast::error_code fault);

template <typename Stream>
class HttpSession final : public AnySession,
                          public std::enable_shared_from_this<HttpSession<Stream>> {
 public:
  template <typename... Arguments>
  HttpSession(SessionHost& host, Arguments&&... arguments)
      : host_(host), stream_(std::forward<Arguments>(arguments)...) {}
  ~HttpSession() override {
    give_back();
    host_.ended();
  }

  void run() override {
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      expire(host_.options().header_timeout);
      stream_.async_handshake(asio::ssl::stream_base::server,
                              [self = this->shared_from_this()](beast::error_code fault) {
                                if (!fault) self->wait();
                              });
    } else {
      wait();
    }
  }
  void cut() override {
    beast::error_code ignored;
    tcp().socket().close(ignored);
  }
  void close_when_idle() override {
    if (expendable()) cut();
  }
  [[nodiscard]] bool expendable() const override { return !busy_; }

 private:
  using Parser = beast::http::request_parser<beast::http::string_body>;

  TcpStream& tcp() { return beast::get_lowest_layer(stream_); }
  void expire(Duration after) { tcp().expires_after(after); }
  // For the first byte of a request: between two, a client may be silent for longer than within.
  void wait() {
    busy_ = false;
    if (host_.draining()) return hang_up();
    parser_ = std::make_unique<Parser>();
    parser_->header_limit(host_.options().header_bytes_max);
    parser_->body_limit(host_.options().body_bytes_max);
    if (buffer_.size() > 0) return read_header();
    expire(host_.options().idle_timeout);
    stream_.async_read_some(buffer_.prepare(4096), [self = this->shared_from_this()](
                                                       beast::error_code fault, std::size_t bytes) {
      if (fault) return;
      self->buffer_.commit(bytes);
      self->read_header();
    });
  }

  void read_header() {
    started_ = std::chrono::steady_clock::now();
    expire(host_.options().header_timeout);
    beast::http::async_read_header(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](beast::error_code fault, std::size_t) {
          self->on_header(fault);
        });
  }

  void on_header(beast::error_code fault) {
    if (fault) return refuse(fault);
    request_ = from_wire(parser_->get());
    request_.has_body = !parser_->is_done();
    if (std::optional<HttpResponse> answer = host_.handler().screen(request_)) {
      return respond(*std::move(answer), !request_.has_body);
    }
    if (!request_.has_body) return work();
    const auto length = parser_->content_length();
    const std::uint64_t bytes = length ? *length : host_.options().body_bytes_max;
    if (!host_.take_body_bytes(bytes)) {
      return respond(overload_response("too many bytes of request bodies are under way"), false);
    }
    body_bytes_ = bytes;
    if (request_.field("expect").starts_with("100-")) return invite_body();
    read_body();
  }

  void invite_body() {
    static constexpr char kInvitation[] = "HTTP/1.1 100 Continue\r\n\r\n";
    expire(host_.options().write_timeout);
    asio::async_write(stream_, asio::buffer(kInvitation, sizeof kInvitation - 1),
                      [self = this->shared_from_this()](beast::error_code fault, std::size_t) {
                        if (!fault) self->read_body();
                      });
  }

  void read_body() {
    expire(host_.options().body_timeout);
    beast::http::async_read(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](beast::error_code fault, std::size_t) {
          if (fault) return self->refuse(fault);
          self->request_.body = std::move(self->parser_->get().body());
          self->work();
        });
  }

  void work() {
    busy_ = true;
    tcp().expires_never();
    const bool taken = host_.submit(
        [self = this->shared_from_this()]() mutable {
          auto response =
              std::make_shared<HttpResponse>(self->host_.handler().handle(self->request_));
          const auto executor = self->tcp().get_executor();
          // The worker keeps no reference: sessions end on the I/O thread.
          asio::post(executor, [self = std::move(self), response] {
            self->respond(std::move(*response), true);
          });
        },
        request_.urgent);
    if (!taken) respond(overload_response("too many requests wait"), true);
  }

  void refuse(beast::error_code fault) {
    std::optional<HttpResponse> answer = answer_to_fault(fault);
    if (!answer) return hang_up();
    respond(*std::move(answer), false);
  }

  // `reusable`: all of the request has been read.
  void respond(HttpResponse&& response, bool reusable) {
    busy_ = true;
    give_back();
    const auto taken = std::chrono::steady_clock::now() - started_;
    host_.handler().answered(request_, response.status,
                             std::chrono::duration_cast<Duration>(taken));
    const bool keep = reusable && parser_->get().keep_alive() && !host_.draining();
    response_ = to_wire(std::move(response), request_.method == "HEAD");
    response_.version(parser_->get().version() == 10 ? 10 : 11);
    response_.keep_alive(keep);
    request_ = HttpRequest();
    expire(host_.options().write_timeout);
    beast::http::async_write(
        stream_, response_,
        [self = this->shared_from_this(), keep](beast::error_code fault, std::size_t) {
          self->response_ = {};
          if (fault) return;
          keep ? self->wait() : self->hang_up();
        });
  }

  // Says goodbye, so that an answer that is still on its way is not lost with what was not read.
  void hang_up() {
    beast::error_code ignored;
    tcp().socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    if (ignored) return;
    busy_ = false;
    expire(std::chrono::seconds(2));
    discard(0);
  }
  void discard(std::size_t so_far) {
    if (so_far > (64U << 10)) return cut();
    buffer_.clear();
    tcp().async_read_some(buffer_.prepare(4096), [self = this->shared_from_this(), so_far](
                                                     beast::error_code fault, std::size_t bytes) {
      if (!fault) self->discard(so_far + bytes);
    });
  }

  void give_back() { host_.give_body_bytes(std::exchange(body_bytes_, 0)); }

  SessionHost& host_;
  Stream stream_;
  beast::flat_buffer buffer_{64U << 10};
  std::unique_ptr<Parser> parser_;
  HttpRequest request_;
  beast::http::response<beast::http::string_body> response_;
  std::chrono::steady_clock::time_point started_;
  std::uint64_t body_bytes_ = 0;
  bool busy_ = false;
};

}  // namespace ingot::server
