#include "tools/ingotd/http/service.h"

#include <iterator>

#include "core/hash.h"
#include "tools/ingotd/http/metrics_page.h"
#include "tools/ingotd/http/openapi.h"

namespace ingot::server {
namespace {

// The management API under the address that Durable Functions has for it; the hub is a parameter.
constexpr std::string_view kFunctionsPrefix = "/runtime/webhooks/durabletask/";

std::vector<Route> all_routes() {
  std::vector<Route> routes;
  for (auto* part :
       {page_routes, server_routes, instance_routes, instance_action_routes, entity_routes}) {
    std::vector<Route> more = part();
    std::move(more.begin(), more.end(), std::back_inserter(routes));
  }
  return routes;
}

bool is_loopback(const std::string& address) {
  return address == "::1" || address.starts_with("127.");
}

// The path as the routes know it.
Result<Target> target_of(const HttpRequest& request, const std::string& default_hub) {
  const std::string_view text = request.target;
  if (!text.starts_with(kFunctionsPrefix)) return parse_target(text);
  Result<Target> target = parse_target(text);
  if (!target.ok()) return target;
  std::string hub(target->parameter("taskHub").value_or(default_hub));
  std::vector<std::string>& path = target->path;
  path.erase(path.begin(), path.begin() + 3);
  path.insert(path.begin(), {"api", "hubs", std::move(hub)});
  return target;
}

}  // namespace

bool matches(std::string_view pattern, const std::vector<std::string>& path,
             std::map<std::string, std::string, std::less<>>& captured) {
  captured.clear();
  pattern.remove_prefix(1);
  for (std::size_t i = 0;; ++i) {
    if (i == path.size()) return false;
    const std::size_t slash = pattern.find('/');
    const std::string_view part = pattern.substr(0, slash);
    if (part.starts_with('{')) {
      captured[std::string(part.substr(1, part.size() - 2))] = path[i];
    } else if (part != path[i]) {
      return false;
    }
    if (slash == std::string_view::npos) return i + 1 == path.size();
    pattern.remove_prefix(slash + 1);
  }
}

HttpResponse failure_response(const Status& status) {
  const auto code = [&] {
    switch (status.code()) {
      case StatusCode::invalid_argument:
        return 400;
      case StatusCode::not_found:
        return 404;
      case StatusCode::already_exists:
      case StatusCode::failed_precondition:
        return 409;
      case StatusCode::timed_out:
        return 504;
      case StatusCode::overloaded:
      case StatusCode::cancelled:
      case StatusCode::unavailable:
      case StatusCode::busy:
        return 503;
      case StatusCode::unsupported:
        return 501;
      case StatusCode::disk_full:
        return 507;
      default:
        return 500;
    }
  }();
  HttpResponse response = error_response(code, to_string(status.code()), status.message());
  if (status.code() == StatusCode::overloaded) response.fields.emplace_back("Retry-After", "1");
  return response;
}

HttpResponse ended_response(const Status& status) {
  HttpResponse response = failure_response(status);
  if (status.code() == StatusCode::failed_precondition) response.status = 410;
  return response;
}

std::uint64_t request_id_of(const Call& call) {
  const std::string_view key = call.request.field("idempotency-key");
  if (key.empty()) return 0;
  // One key may serve for several operations: each has an id of its own.
  std::string name(key);
  for (const std::string_view part :
       {std::string_view(call.request.method), std::string_view(call.request.target)}) {
    name += '\n';
    name += part;
  }
  const std::uint64_t id = hash64(name);
  return id == 0 ? 1 : id;
}

std::string hub_path(const Call& call) { return "/api/hubs/" + percent_encode(call.hub.name); }

HttpService::HttpService(HttpServiceOptions options, const HubSource& hubs)
    : options_(std::move(options)),
      hubs_(hubs),
      routes_(all_routes()),
      openapi_(openapi_document(routes_, options_.version,
                                static_cast<bool>(options_.access.accepts_token))),
      stats_(routes_.size() + 1),
      figures_(hubs) {}

Result<std::unique_ptr<HttpService>> HttpService::start(HttpServiceOptions options,
                                                        const HubSource& hubs) {
  options.access.loopback = is_loopback(options.server.address);
  std::unique_ptr<HttpService> service(new HttpService(std::move(options), hubs));
  Result<std::unique_ptr<HttpServer>> server =
      HttpServer::start(service->options_.server, *service);
  if (!server.ok()) return server.take_status();
  service->server_ = *std::move(server);
  service->listening_.store(service->server_.get());
  return service;
}

HttpService::~HttpService() { stop(); }

void HttpService::drain() { server_->drain(options_.drain_timeout); }

void HttpService::stop() {
  figures_.stop();
  if (server_) server_->stop();
}

std::optional<HttpResponse> HttpService::screen(HttpRequest& head) {
  const Result<Target> target = target_of(head, options_.default_hub);
  if (!target.ok()) return failure_response(target.status());
  Call call{*this, head, *target, {}, {}};
  const Route* found = nullptr;
  std::string others;  // methods that the path has
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    const Route& route = routes_[i];
    if (!matches(route.pattern, target->path, call.captured)) continue;
    if (route.method == head.method || (route.method == "GET" && head.method == "HEAD")) {
      head.route = static_cast<int>(i);
      found = &route;
      break;
    }
    others += others.empty() ? route.method : ", " + route.method;
  }
  // Who may ask comes first: a stranger is not even told what there is.
  const bool open =
      found != nullptr && (found->kind == RouteKind::open || found->kind == RouteKind::probe);
  if (auto refused = refusal(options_.access, head, open)) return refused;
  if (found == nullptr && !others.empty()) {
    HttpResponse response = error_response(
        405, "invalid_argument", head.method + " is not what this address answers to: " + others);
    response.fields.emplace_back("Allow", others);
    return response;
  }
  if (found == nullptr) {
    return error_response(404, "not_found",
                          "there is nothing at this address; /openapi.json lists what there is");
  }
  if (found->kind == RouteKind::open) return found->answer(call);
  head.urgent = found->kind != RouteKind::hub;
  return std::nullopt;
}

HttpResponse HttpService::handle(const HttpRequest& request) {
  const Result<Target> target = target_of(request, options_.default_hub);
  const Route& route = routes_[static_cast<std::size_t>(request.route)];
  if (!target.ok()) return failure_response(target.status());
  Call call{*this, request, *target, {}, {}};
  static_cast<void>(matches(route.pattern, target->path, call.captured));
  if (route.kind == RouteKind::hub) {
    Result<OpenHub> hub = hubs_.find(call.path("hub"));
    if (!hub.ok()) return failure_response(hub.status());
    call.hub = *std::move(hub);
  }
  return route.answer(call);
}

void HttpService::answered(const HttpRequest& request, int status, Duration taken) {
  const std::size_t route =
      request.route < 0 ? routes_.size() : static_cast<std::size_t>(request.route);
  stats_.record(route, status, taken);
}

std::string HttpService::metrics_page(const Result<std::shared_ptr<const ServerSnapshot>>& taken) {
  Exposition page;
  page.metric("ingotd_build_info", "gauge", "The version of the server.");
  page.sample({{"version", options_.version}}, std::uint64_t{1});
  page.metric("ingotd_figures_up", "gauge", "1 when the task hubs gave their figures in time.");
  page.sample({}, std::uint64_t{taken.ok() ? 1U : 0U});
  if (taken.ok()) write_hub_metrics(page, **taken);
  page.metric("ingotd_http_connections", "gauge", "Open HTTP connections.");
  const HttpServer* server = listening_.load();
  page.sample({}, std::uint64_t{server == nullptr ? 0 : server->connections()});
  write_request_metrics(page, routes_, stats_);
  write_process_metrics(page);
  if (options_.more_metrics) options_.more_metrics(page);
  return page.take();
}

}  // namespace ingot::server
