#include "tools/ingotd/http_endpoint.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>
#include <vector>

#include "core/try.h"
#include "tools/ingotd/access_control.h"
#include "tools/ingotd/http/service.h"
#include "tools/ingotd/tls_files.h"

namespace ingot::server {
namespace {

class HubsOfServer final : public HubSource {
 public:
  explicit HubsOfServer(const Hubs& hubs) : hubs_(hubs) {}
  Result<OpenHub> find(std::string_view name) const override {
    Result<HubPtr> hub = hubs_.find(name);
    if (!hub.ok()) return hub.take_status();
    return open_hub(*hub);
  }
  std::vector<OpenHub> all() const override {
    std::vector<OpenHub> open;
    for (const HubPtr& hub : hubs_.all()) open.push_back(open_hub(hub));
    return open;
  }
  std::vector<std::pair<std::string, Status>> failures() const override { return hubs_.failures(); }

 private:
  // The pointer to the engine's hub keeps the whole of ours.
  static OpenHub open_hub(const HubPtr& hub) {
    return {hub->name, std::shared_ptr<TaskHub>(hub, hub->hub.get())};
  }

  const Hubs& hubs_;
};

// Together with what it refers to.
class HttpEndpoint final : public Endpoint {
 public:
  static Result<std::unique_ptr<Endpoint>> start(HttpServiceOptions options, const Hubs& hubs) {
    std::unique_ptr<HttpEndpoint> endpoint(new HttpEndpoint(hubs));
    INGOT_ASSIGN(endpoint->service_, HttpService::start(std::move(options), endpoint->hubs_));
    return std::unique_ptr<Endpoint>(std::move(endpoint));
  }
  std::uint16_t port() const override { return service_->port(); }
  void drain() override { service_->drain(); }
  void stop() override { service_->stop(); }

 private:
  explicit HttpEndpoint(const Hubs& hubs) : hubs_(hubs) {}

  const HubsOfServer hubs_;
  std::unique_ptr<HttpService> service_;
};

// "host:port", "[host]:port".
Status read_address(const std::string& text, HttpServerOptions& options) {
  const std::size_t colon = text.rfind(':');
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  const char* begin = colon == std::string::npos ? nullptr : text.data() + colon + 1;
  const char* end = text.data() + text.size();
  if (begin == nullptr ||
      std::from_chars(begin, end, options.port) != std::from_chars_result{end, std::errc()}) {
    return Status(StatusCode::invalid_argument, "http: '" + text + "' is not host:port");
  }
  options.address = host;
  return {};
}

void write_figures(Exposition& page, const ServerFigures& figures) {
  const auto one = [&](const char* name, const char* type, const char* help,
                       const std::atomic<std::uint64_t>& value) {
    page.metric(name, type, help);
    page.sample({}, std::uint64_t{value.load(std::memory_order_relaxed)});
  };
  one("ingotd_grpc_calls_total", "counter", "gRPC calls.", figures.calls);
  one("ingotd_grpc_calls_failed_total", "counter", "gRPC calls that did not end with OK.",
      figures.calls_failed);
  one("ingotd_grpc_calls_refused_total", "counter", "gRPC calls without a token that is known.",
      figures.calls_refused);
  one("ingotd_worker_streams", "gauge", "Open streams of workers.", figures.worker_streams);
  one("ingotd_clients_waiting", "gauge", "Calls that wait for an instance.",
      figures.clients_waiting);
  one("ingotd_work_items_sent_total", "counter", "Work items sent to workers.", figures.items_sent);
  one("ingotd_work_items_completed_total", "counter", "Work items that workers completed.",
      figures.items_completed);
  one("ingotd_work_items_returned_total", "counter", "Work items that came back undone.",
      figures.items_returned);
  one("ingotd_stream_queue_bytes", "gauge", "Bytes of work items that wait to be sent.",
      figures.bytes_queued);
}

}  // namespace

Result<std::unique_ptr<Endpoint>> start_http(const ServerConfig& config, const Hubs& hubs,
                                             const ServerFigures& figures) {
  HttpServiceOptions options;
  INGOT_TRY(read_address(config.http, options.server));
  options.server.body_bytes_max = config.message_bytes_max;
  options.server.body_bytes_in_all_max =
      std::max(options.server.body_bytes_in_all_max, 4 * config.message_bytes_max);
  INGOT_ASSIGN(TlsFiles files, TlsFiles::read(config));
  options.server.tls_certificate = std::move(files.certificate);
  options.server.tls_key = std::move(files.key);
  options.server.tls_client_ca = std::move(files.client_ca);
  if (!config.token_file.empty()) {
    INGOT_ASSIGN(const AccessControl control, AccessControl::from_file(config.token_file));
    options.access.accepts_token = [control](std::string_view token) {
      return control.admits_token(token);
    };
  }
  options.access.host_names = config.http_hosts;
  options.drain_timeout = config.drain_timeout;
  options.default_hub = config.default_hub;
  options.version = INGOT_VERSION;
  options.draining = [&figures] { return figures.draining.load(); };
  options.more_metrics = [&figures](Exposition& page) { write_figures(page, figures); };
  return HttpEndpoint::start(std::move(options), hubs);
}

}  // namespace ingot::server
