// Routes that change instances: start, raise event, suspend, resume, terminate, rewind, restart,
// purge.

#include "core/try.h"
#include "tools/ingotd/http/instance_filters.h"
#include "tools/ingotd/http/json_writer.h"
#include "tools/ingotd/http/route.h"
#include "tools/ingotd/http/views.h"

namespace ingot::server {
namespace {

constexpr const char* kInstance = "/api/hubs/{hub}/instances/{instanceId}";
constexpr const char* kIdempotency =
    "A repetition with the same Idempotency-Key changes nothing and is answered as done.";
constexpr RouteParameter kIdempotencyKey = {
    "Idempotency-Key", "header", "Any text: a repetition with the same one is not carried out."};
constexpr RouteParameter kReason = {"reason", "string", "Kept in the history."};

// The body as a payload: what says that it is JSON has to be JSON.
Result<std::string> read_payload(const Call& call) {
  const std::string& body = call.request.body;
  const std::string_view type = call.request.field("content-type");
  const bool json = type.empty() || type.find("json") != std::string_view::npos;
  if (json && !body.empty() && !is_json(body)) {
    return Status(StatusCode::invalid_argument,
                  "the body is not JSON; a text has to be in quotes, or sent with another "
                  "Content-Type (text/plain)");
  }
  return body;
}

void add_links(JsonWriter& json, const Call& call, std::string_view id) {
  // DF clients take these from the answer rather than making them themselves.
  const std::string base = hub_path(call) + "/instances/" + percent_encode(id);
  json.member("statusQueryGetUri", base);
  json.member("sendEventPostUri", base + "/raiseEvent/{eventName}");
  json.member("terminatePostUri", base + "/terminate?reason={text}");
  json.member("suspendPostUri", base + "/suspend?reason={text}");
  json.member("resumePostUri", base + "/resume?reason={text}");
  json.member("rewindPostUri", base + "/rewind?reason={text}");
  json.member("restartPostUri", base + "/restart");
  json.member("purgeHistoryDeleteUri", base);
}

HttpResponse started_response(const Call& call, const std::string& id) {
  JsonWriter json;
  json.begin_object().member("id", id);
  add_links(json, call, id);
  json.end_object();
  HttpResponse response = json_response(202, json.take());
  response.fields.emplace_back("Location", hub_path(call) + "/instances/" + percent_encode(id));
  response.fields.emplace_back("Retry-After", "10");
  return response;
}

Result<HttpResponse> start_instance(const Call& call) {
  StartOptions options;
  INGOT_ASSIGN(options.input, read_payload(call));
  options.has_input = !options.input.empty();
  if (const auto id = call.captured.find("instanceId"); id != call.captured.end()) {
    options.instance_id = id->second;
    if (options.instance_id.empty()) {
      return Status(StatusCode::invalid_argument, "the instance id in the address is empty");
    }
  }
  INGOT_ASSIGN(options.scheduled_start, call.target.time("startAt"));
  INGOT_ASSIGN(options.replace, read_statuses(call.target, "replace"));
  options.version = std::string(call.target.parameter("version").value_or(""));
  options.trace_parent = std::string(call.request.field("traceparent"));
  for (const auto& [name, value] : call.target.query) {
    if (name != "tag") continue;
    const std::size_t colon = value.find(':');
    if (colon == std::string::npos || colon == 0) {
      return Status(StatusCode::invalid_argument, "the parameter tag is <key>:<value>");
    }
    options.tags.emplace_back(value.substr(0, colon), value.substr(colon + 1));
  }
  options.request_id = request_id_of(call);
  INGOT_ASSIGN(const std::string id,
               call.client().schedule_new_orchestration(call.path("orchestrator"), options));
  return started_response(call, id);
}

HttpResponse done(const Status& status) {
  return status.ok() ? json_response(202, "{}") : ended_response(status);
}

HttpResponse raise_event(const Call& call) {
  const Result<std::string> data = read_payload(call);
  if (!data.ok()) return failure_response(data.status());
  return done(call.client().raise_event(call.path("instanceId"), call.path("eventName"), *data,
                                        request_id_of(call)));
}

std::string_view reason_of(const Call& call) {
  return call.target.parameter("reason").value_or("");
}

HttpResponse terminate(const Call& call) {
  const Result<bool> recurse = call.target.truth("recurse", false);
  if (!recurse.ok()) return failure_response(recurse.status());
  return done(call.client().terminate(call.path("instanceId"), reason_of(call), *recurse,
                                      request_id_of(call)));
}

HttpResponse rewind(const Call& call) {
  // Not "ended": only what has Failed can be rewound, and that has ended.
  const Status status =
      call.client().rewind(call.path("instanceId"), reason_of(call), request_id_of(call));
  return status.ok() ? json_response(202, "{}") : failure_response(status);
}

Result<HttpResponse> restart(const Call& call) {
  INGOT_ASSIGN(const bool new_id, call.target.truth("restartWithNewInstanceId", true));
  INGOT_ASSIGN(const std::string id,
               call.client().restart(call.path("instanceId"), new_id, request_id_of(call)));
  return started_response(call, id);
}

Result<HttpResponse> purge_one(const Call& call) {
  const std::string& id = call.path("instanceId");
  INGOT_ASSIGN(const bool recursive, call.target.truth("recursive", false));
  INGOT_ASSIGN(const std::uint64_t purged,
               call.client().purge_instance(id, recursive, request_id_of(call)));
  if (purged == 0) return Status(StatusCode::not_found, "there is no instance '" + id + "'");
  JsonWriter json;
  json.begin_object().member("instancesDeleted", purged).end_object();
  return json_response(200, json.take());
}

Result<HttpResponse> purge_many(const Call& call) {
  PurgeFilter filter;
  INGOT_TRY(read_instance_filter(call.target, filter));
  INGOT_ASSIGN(filter.recursive, call.target.truth("recursive", false));
  INGOT_ASSIGN(const std::uint64_t seconds, call.target.number("timeout", 20, 1, 60));
  INGOT_ASSIGN(const bool all, call.target.truth("all", false));
  const bool filtered = !filter.prefix.empty() || !filter.statuses.empty() ||
                        !filter.names.empty() || filter.created_from || filter.created_to ||
                        filter.completed_from || filter.completed_to;
  if (!filtered && !all) {
    return Status(StatusCode::invalid_argument,
                  "this would purge every finished instance: give a filter, or all=true");
  }
  INGOT_ASSIGN(const PurgeResult result,
               call.client().purge_instances(filter, std::chrono::seconds(seconds)));
  JsonWriter json;
  json.begin_object().member("instancesDeleted", result.purged);
  json.member("complete", result.complete).end_object();
  return json_response(200, json.take());
}

Route action(const char* name, const char* summary, std::vector<RouteParameter> parameters,
             HttpResponse (*answer)(const Call&)) {
  parameters.push_back(kIdempotencyKey);
  return {"POST",
          std::string(kInstance) + "/" + name,
          RouteKind::hub,
          "Actions",
          summary,
          kIdempotency,
          std::move(parameters),
          "",
          {{202, "It is durable"},
           {404, "There is none of this id", "Error"},
           {410, "The instance has ended", "Error"}},
          answer};
}

Route start_route(const char* pattern, const char* summary) {
  return {"POST",
          pattern,
          RouteKind::hub,
          "Actions",
          summary,
          kIdempotency,
          {{"startAt", "string", "When it is to start: ISO 8601."},
           {"version", "string", "Of the orchestrator."},
           {"tag", "string", "<key>:<value>; may be given several times."},
           {"replace", "string", "An instance of this id with one of these statuses is replaced."},
           {"traceparent", "header", "W3C trace context."},
           kIdempotencyKey},
          "The input: JSON, or any text under another Content-Type",
          {{202, "It is started, durably", "Started"},
           {404, "There is no such orchestrator", "Error"},
           {409, "There is an instance of this id", "Error"}},
          [](const Call& call) { return respond(start_instance(call)); }};
}

}  // namespace

std::vector<Route> instance_action_routes() {
  std::vector<Route> routes;
  routes.push_back(start_route("/api/hubs/{hub}/orchestrators/{orchestrator}",
                               "Start an instance under an id of the hub's choice"));
  routes.push_back(start_route("/api/hubs/{hub}/orchestrators/{orchestrator}/{instanceId}",
                               "Start an instance"));
  Route event = action("raiseEvent/{eventName}", "Raise an event", {}, raise_event);
  event.body = "The event's data: JSON, or any text under another Content-Type";
  routes.push_back(std::move(event));
  routes.push_back(action("terminate", "Terminate",
                          {kReason, {"recurse", "boolean", "Its sub-orchestrations too."}},
                          terminate));
  routes.push_back(action("suspend", "Suspend", {kReason}, [](const Call& call) {
    return done(
        call.client().suspend(call.path("instanceId"), reason_of(call), request_id_of(call)));
  }));
  routes.push_back(action("resume", "Resume what is suspended", {kReason}, [](const Call& call) {
    return done(
        call.client().resume(call.path("instanceId"), reason_of(call), request_id_of(call)));
  }));
  Route rewound =
      action("rewind", "Rewind what has Failed: go on before the failure", {kReason}, rewind);
  rewound.answers.back() = {409, "The instance has not failed", "Error"};
  routes.push_back(std::move(rewound));
  Route restarted = action("restart", "Start it again, with the same input",
                           {{"restartWithNewInstanceId", "boolean", "Under a new id (default)."}},
                           [](const Call& call) { return respond(restart(call)); });
  restarted.answers = {{202, "It is started, durably", "Started"},
                       {404, "There is none of this id", "Error"},
                       {409, "Under its own id: it is live", "Error"}};
  routes.push_back(std::move(restarted));
  routes.push_back(
      {"DELETE",
       kInstance,
       RouteKind::hub,
       "Actions",
       "Purge an instance",
       kIdempotency,
       {{"recursive", "boolean", "With its finished sub-orchestrations."}, kIdempotencyKey},
       "",
       {{200, "How many it were", "Purged"},
        {404, "There is none of this id", "Error"},
        {409, "The instance is live", "Error"}},
       [](const Call& call) { return respond(purge_one(call)); }});
  std::vector<RouteParameter> filters = instance_filter_parameters();
  filters.push_back({"recursive", "boolean", "With their finished sub-orchestrations."});
  filters.push_back({"all", "boolean", "Needed when there is no filter."});
  filters.push_back({"timeout", "integer", "Seconds, 1 to 60; 20 by default."});
  routes.push_back({"DELETE",
                    "/api/hubs/{hub}/instances",
                    RouteKind::hub,
                    "Actions",
                    "Purge many instances",
                    "Only finished ones are purged. `complete` is false when the time ran out: "
                    "repeat the request.",
                    std::move(filters),
                    "",
                    {{200, "How many it were", "Purged"}},
                    [](const Call& call) { return respond(purge_many(call)); }});
  return routes;
}

}  // namespace ingot::server
