#include "tools/ingotd/http/http_server.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <future>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

#include "tools/ingotd/http/http_session.h"

namespace ingot::server {

namespace http = beast::http;
using asio::ip::tcp;

http::response<http::string_body> to_wire(HttpResponse&& response, bool head_only) {
  http::response<http::string_body> message;
  message.result(static_cast<unsigned>(response.status));
  message.set(http::field::server, "ingotd");
  for (const auto& [name, value] : response.fields) message.set(name, value);
  if (!response.content_type.empty()) {
    message.set(http::field::content_type, response.content_type);
  }
  message.set("X-Content-Type-Options", "nosniff");
  if (message.find(http::field::cache_control) == message.end()) {
    message.set(http::field::cache_control, "no-store");
  }
  message.content_length(response.body.size());
  if (!head_only) message.body() = std::move(response.body);
  return message;
}

HttpRequest from_wire(const http::request<http::string_body>& message) {
  HttpRequest request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  for (const auto& field : message) {
    std::string name(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    request.fields.emplace_back(std::move(name), std::string(field.value()));
  }
  return request;
}

std::optional<HttpResponse> answer_to_fault(beast::error_code fault) {
  if (fault == http::error::header_limit || fault == http::error::buffer_overflow) {
    return error_response(431, "invalid_argument", "the request's header is too large");
  }
  if (fault == http::error::body_limit) {
    return error_response(413, "invalid_argument",
                          "the request's body is larger than this server takes");
  }
  if (fault == beast::error::timeout) return std::nullopt;  // the stream is closed already
  if (fault.category() == http::make_error_code(http::error::bad_method).category() &&
      fault != http::error::end_of_stream && fault != http::error::partial_message) {
    return error_response(400, "invalid_argument", "this is not HTTP/1.1: " + fault.message());
  }
  return std::nullopt;
}

namespace {

// The threads that run the handler.
class Workers {
 public:
  Workers(std::uint32_t threads, std::uint32_t waiting_max) : waiting_max_(waiting_max) {
    for (std::uint32_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
  }
  ~Workers() { stop(); }

  bool submit(std::function<void()> work) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ || waiting_.size() >= waiting_max_) return false;
      waiting_.push_back(std::move(work));
    }
    changed_.notify_one();
    return true;
  }
  // What has not begun never does.
  void stop() {
    std::deque<std::function<void()>> dropped;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      dropped.swap(waiting_);
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;
      std::function<void()> work = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      work();
      work = nullptr;
      lock.lock();
    }
  }

  const std::uint32_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

class BeastServer final : public HttpServer, private SessionHost {
 public:
  BeastServer(const HttpServerOptions& options, HttpHandler& handler)
      : options_(options),
        handler_(handler),
        acceptor_(io_),
        workers_(std::max(1U, options.workers), options.requests_waiting_max),
        urgent_workers_(std::max(1U, options.urgent_workers), options.requests_waiting_max) {}
  ~BeastServer() override { stop(); }

  Status listen() {
    beast::error_code fault;
    const auto address = asio::ip::make_address(options_.address, fault);
    if (fault) {
      return Status(StatusCode::invalid_argument, "not an IP address: " + options_.address);
    }
    if (!options_.tls_certificate.empty()) {
      if (Status status = load_tls(); !status.ok()) return status;
    }
    const tcp::endpoint endpoint(address, options_.port);
    acceptor_.open(endpoint.protocol(), fault);
    if (!fault) acceptor_.set_option(asio::socket_base::reuse_address(true), fault);
    if (!fault) acceptor_.bind(endpoint, fault);
    if (!fault) acceptor_.listen(asio::socket_base::max_listen_connections, fault);
    if (fault) {
      return Status(StatusCode::io_error, "can't listen on " + options_.address + " port " +
                                              std::to_string(options_.port) + ": " +
                                              fault.message());
    }
    port_ = acceptor_.local_endpoint().port();
    accept();
    thread_ = std::thread([this] { io_.run(); });
    return {};
  }

  std::uint16_t port() const override { return port_; }
  std::uint32_t connections() const override { return open_.load(); }

  void drain(Duration timeout) override {
    const auto end = std::chrono::steady_clock::now() + timeout;
    asio::post(io_, [this] { begin_drain(); });
    while (std::chrono::steady_clock::now() < end) {
      if (draining_.load() && sessions_left() == 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  void stop() override {
    if (!thread_.joinable()) return;
    io_.stop();
    thread_.join();
    // From here this is the only thread that touches the sessions.
    begin_drain();
    for (const Entry& entry : sessions_) {
      if (const auto session = entry.session.lock()) session->cut();
    }
    workers_.stop();
    urgent_workers_.stop();
  }

 private:
  struct Entry {
    std::weak_ptr<AnySession> session;
  };

  const HttpServerOptions& options() const override { return options_; }
  HttpHandler& handler() override { return handler_; }
  bool draining() const override { return draining_.load(); }
  bool submit(std::function<void()> work, bool urgent) override {
    return (urgent ? urgent_workers_ : workers_).submit(std::move(work));
  }
  bool take_body_bytes(std::uint64_t bytes) override {
    if (bytes > options_.body_bytes_in_all_max - body_bytes_) return false;
    body_bytes_ += bytes;
    return true;
  }
  void give_body_bytes(std::uint64_t bytes) override { body_bytes_ -= bytes; }
  void ended() override { open_.fetch_sub(1); }

  Status load_tls() {
    using Context = asio::ssl::context;
    tls_ = std::make_unique<Context>(Context::tls_server);
    beast::error_code fault;
    tls_->set_options(Context::default_workarounds | Context::no_sslv2 | Context::no_sslv3 |
                          Context::no_tlsv1 | Context::no_tlsv1_1,
                      fault);
    const auto buffer = [](const std::string& text) { return asio::buffer(text); };
    if (!fault) tls_->use_certificate_chain(buffer(options_.tls_certificate), fault);
    if (fault) return Status(StatusCode::invalid_argument, "TLS certificate: " + fault.message());
    tls_->use_private_key(buffer(options_.tls_key), Context::pem, fault);
    if (fault) return Status(StatusCode::invalid_argument, "TLS key: " + fault.message());
    if (options_.tls_client_ca.empty()) return {};
    tls_->add_certificate_authority(buffer(options_.tls_client_ca), fault);
    if (!fault) {
      tls_->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert, fault);
    }
    if (fault) return Status(StatusCode::invalid_argument, "TLS client CA: " + fault.message());
    return {};
  }

  void accept() {
    acceptor_.async_accept([this](beast::error_code fault, tcp::socket socket) {
      if (draining_.load()) return;
      if (!fault) {
        admit(std::move(socket));
        return accept();
      }
      if (fault == asio::error::operation_aborted) return;
      // Out of descriptors, say: make room, and do not spin.
      make_room(0);
      retry_.expires_after(std::chrono::milliseconds(50));
      retry_.async_wait([this](beast::error_code cancelled) {
        if (!cancelled) accept();
      });
    });
  }

  void admit(tcp::socket socket) {
    if (!make_room(options_.connections_max)) return;  // all are at work: closed at once
    beast::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    std::shared_ptr<AnySession> session;
    SessionHost& host = *this;
    if (tls_) {
      session = std::make_shared<HttpSession<TlsStream>>(host, std::move(socket), *tls_);
    } else {
      session = std::make_shared<HttpSession<TcpStream>>(host, std::move(socket));
    }
    sessions_.push_back({session});
    open_.fetch_add(1);
    session->run();
  }

  // Forgets those that are gone; with `max` or more left, the oldest expendable one is cut.
  bool make_room(std::size_t max) {
    if (sessions_.size() < max) return true;
    sessions_.remove_if([](const Entry& entry) { return entry.session.expired(); });
    if (sessions_.size() < max) return true;
    for (auto entry = sessions_.begin(); entry != sessions_.end(); ++entry) {
      const auto session = entry->session.lock();
      if (!session || !session->expendable()) continue;
      session->cut();
      sessions_.erase(entry);
      return true;
    }
    return false;
  }

  void begin_drain() {
    if (draining_.exchange(true)) return;
    beast::error_code ignored;
    acceptor_.close(ignored);
    retry_.cancel();
    for (const Entry& entry : sessions_) {
      if (const auto session = entry.session.lock()) session->close_when_idle();
    }
  }

  std::size_t sessions_left() {
    auto left = std::make_shared<std::promise<std::size_t>>();
    auto answer = left->get_future();
    asio::post(io_, [this, left] {
      sessions_.remove_if([](const Entry& entry) { return entry.session.expired(); });
      left->set_value(sessions_.size());
    });
    return answer.wait_for(std::chrono::seconds(1)) == std::future_status::ready ? answer.get() : 1;
  }

  const HttpServerOptions options_;
  HttpHandler& handler_;
  std::uint16_t port_ = 0;
  std::unique_ptr<asio::ssl::context> tls_;
  std::uint64_t body_bytes_ = 0;  // of requests under way
  std::list<Entry> sessions_;     // in the order of their coming
  std::atomic<std::uint32_t> open_{0};
  std::atomic<bool> draining_{false};
  // Its end destroys the sessions, which use what is above.
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_guard_{io_.get_executor()};
  tcp::acceptor acceptor_;
  asio::steady_timer retry_{io_};
  std::thread thread_;
  Workers workers_;
  Workers urgent_workers_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpServerOptions& options,
                                                      HttpHandler& handler) {
  auto server = std::make_unique<BeastServer>(options, handler);
  if (Status status = server->listen(); !status.ok()) return status;
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace ingot::server
