#pragma once

// HttpService: the HTTP side as a whole: connections, access rules, routes, figures.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tools/ingotd/endpoint.h"
#include "tools/ingotd/http/exposition.h"
#include "tools/ingotd/http/figures.h"
#include "tools/ingotd/http/http_server.h"
#include "tools/ingotd/http/refusal.h"
#include "tools/ingotd/http/request_stats.h"
#include "tools/ingotd/http/route.h"

namespace ingot::server {

struct HttpServiceOptions {
  HttpServerOptions server;
  AccessRules access;  // `loopback` is set from the address
  Duration drain_timeout = std::chrono::seconds(20);
  Duration figures_timeout = std::chrono::seconds(5);  // for the hubs to give theirs
  std::string default_hub = "default";
  std::string version;                                 // of the program
  std::function<bool()> draining;                      // absent: never
  std::function<void(Exposition& page)> more_metrics;  // of other parts of the server
};

class HttpService final : public Endpoint, private HttpHandler {
 public:
  // Listens when it returns; `hubs` outlives the service. Errors as HttpServer::start().
  [[nodiscard]] static Result<std::unique_ptr<HttpService>> start(HttpServiceOptions options,
                                                                  const HubSource& hubs);
  ~HttpService() override;

  std::uint16_t port() const override { return server_->port(); }
  void drain() override;
  void stop() override;

  // --- for the routes ---
  [[nodiscard]] const HttpServiceOptions& options() const { return options_; }
  [[nodiscard]] const HubSource& hubs() const { return hubs_; }
  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }
  [[nodiscard]] const std::string& openapi() const { return openapi_; }
  [[nodiscard]] Result<std::shared_ptr<const ServerSnapshot>> take_figures() {
    return figures_.take(options_.figures_timeout);
  }
  // The page /metrics. With a failure in place of figures: of the server alone.
  [[nodiscard]] std::string metrics_page(
      const Result<std::shared_ptr<const ServerSnapshot>>& taken);

 private:
  HttpService(HttpServiceOptions options, const HubSource& hubs);

  std::optional<HttpResponse> screen(HttpRequest& head) override;
  HttpResponse handle(const HttpRequest& request) override;
  void answered(const HttpRequest& request, int status, Duration taken) override;

  const HttpServiceOptions options_;
  const HubSource& hubs_;
  const std::vector<Route> routes_;
  const std::string openapi_;
  RequestStats stats_;  // one more than the routes: of requests that found none
  FigureCollector figures_;
  std::unique_ptr<HttpServer> server_;
  std::atomic<const HttpServer*> listening_{
      nullptr};  // the first request may be faster than start()
};

// "/a/{b}" and {"a", "x"}: whether they match, and {"b": "x"} in `captured`.
[[nodiscard]] bool matches(std::string_view pattern, const std::vector<std::string>& path,
                           std::map<std::string, std::string, std::less<>>& captured);

}  // namespace ingot::server
