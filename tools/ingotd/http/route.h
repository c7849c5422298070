#pragma once

// Route: one operation of the HTTP side, with its description. The table of routes is the only list
// of them: requests are matched by it, and the OpenAPI document is printed from it.

#include <ingot/status.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/ingotd/http/figures.h"
#include "tools/ingotd/http/message.h"
#include "tools/ingotd/http/target.h"

namespace ingot::server {

class HttpService;

// A request that has found its route.
struct Call {
  HttpService& service;
  const HttpRequest& request;
  const Target& target;
  std::map<std::string, std::string, std::less<>> captured;  // the pattern's {names}
  OpenHub hub;                                               // of routes below a hub

  [[nodiscard]] const std::string& path(std::string_view name) const {
    return captured.find(name)->second;
  }
  [[nodiscard]] Client& client() const { return hub.hub->client(); }
};

struct RouteParameter {
  const char* name;
  const char* type;  // of JSON schema, or "header" for a text in a header
  const char* description;
};

struct RouteAnswer {
  int status;
  const char* description;
  const char* schema = "";  // a name among the document's schemas; "[]" behind it: an array
};

// Who answers, and what it needs.
enum class RouteKind : std::uint8_t {
  open,    // at once, and for everyone: shows nothing of a hub
  probe,   // by a worker; for everyone: shows nothing of a hub
  server,  // by a worker
  hub,     // by a worker, for the hub that the path names
};

struct Route {
  std::string method;
  std::string pattern;  // "/api/hubs/{hub}/instances"
  RouteKind kind = RouteKind::hub;
  const char* tag = "";
  const char* summary = "";
  const char* description = "";
  std::vector<RouteParameter> parameters;  // those of the path are known by their names
  const char* body = "";                   // what it means; empty: none is read
  std::vector<RouteAnswer> answers;        // failures that any route has are left out
  std::function<HttpResponse(const Call&)> answer;
};

[[nodiscard]] std::vector<Route> page_routes();
[[nodiscard]] std::vector<Route> server_routes();
[[nodiscard]] std::vector<Route> instance_routes();
[[nodiscard]] std::vector<Route> instance_action_routes();
[[nodiscard]] std::vector<Route> entity_routes();

// The HTTP status and the body that tell of a failure.
[[nodiscard]] HttpResponse failure_response(const Status& status);
[[nodiscard]] inline HttpResponse respond(Result<HttpResponse>&& result) {
  return result.ok() ? *std::move(result) : failure_response(result.status());
}
// The same, where failed_precondition means that the instance has ended: 410.
[[nodiscard]] HttpResponse ended_response(const Status& status);

// A number for the engine from the header `Idempotency-Key`: the same for the same operation, 0
// without the header.
[[nodiscard]] std::uint64_t request_id_of(const Call& call);
// "/api/hubs/<hub>", escaped.
[[nodiscard]] std::string hub_path(const Call& call);

}  // namespace ingot::server
