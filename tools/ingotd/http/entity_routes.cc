// Routes of entities: one, pages of many, signals.

#include "core/try.h"
#include "tools/ingotd/http/instance_filters.h"
#include "tools/ingotd/http/json_writer.h"
#include "tools/ingotd/http/route.h"
#include "tools/ingotd/http/views.h"
#include "tools/ingotd/pages.h"

namespace ingot::server {
namespace {

constexpr const char* kEntities = "/api/hubs/{hub}/entities";
constexpr const char* kEntity = "/api/hubs/{hub}/entities/{entityName}/{entityKey}";
constexpr RouteParameter kStates = {
    "payloads", "string",
    "json (default): states that are JSON are given as JSON; text: always "
    "as strings."};

Result<EntityId> entity_of(const Call& call) {
  EntityId id(call.path("entityName"), call.path("entityKey"));
  INGOT_TRY(validate_entity_id(id));
  return id;
}

Result<HttpResponse> show_entity(const Call& call) {
  INGOT_ASSIGN(const EntityId id, entity_of(call));
  INGOT_ASSIGN(const PayloadForm form, read_payload_form(call.target));
  INGOT_ASSIGN(const bool details, call.target.truth("details", false));
  INGOT_ASSIGN(const EntityState entity, call.client().get_entity(id));
  JsonWriter json;
  if (details) {
    write_entity(json, entity, form);
  } else if (entity.state) {
    json.payload(*entity.state, form);
  } else {
    return Status(StatusCode::not_found, "the entity " + to_string(id) + " has no state");
  }
  return json_response(200, json.take());
}

Result<HttpResponse> signal_entity(const Call& call) {
  INGOT_ASSIGN(const EntityId id, entity_of(call));
  const std::string_view operation = call.target.parameter("op").value_or("");
  const std::string_view type = call.request.field("content-type");
  const bool json = type.empty() || type.find("json") != std::string_view::npos;
  if (json && !call.request.body.empty() && !is_json(call.request.body)) {
    return Status(StatusCode::invalid_argument, "the body is not JSON");
  }
  if (operation.empty()) {
    return Status(StatusCode::invalid_argument, "the parameter op, the operation, is missing");
  }
  SignalOptions options;
  INGOT_ASSIGN(options.at, call.target.time("at"));
  options.trace_parent = std::string(call.request.field("traceparent"));
  options.request_id = request_id_of(call);
  INGOT_TRY(call.client().signal_entity(id, operation, call.request.body, options));
  return json_response(202, "{}");
}

Result<HttpResponse> list_entities(const Call& call) {
  EntityQuery query;
  query.prefix = std::string(call.target.parameter("prefix").value_or(""));
  if (const auto name = call.captured.find("entityName"); name != call.captured.end()) {
    INGOT_TRY(validate_entity_id(EntityId(name->second, "")));
    query.prefix = to_string(EntityId(name->second, query.prefix));
  }
  INGOT_ASSIGN(const PayloadForm form, read_payload_form(call.target));
  INGOT_ASSIGN(query.updated_from, call.target.time("lastOperationTimeFrom"));
  INGOT_ASSIGN(query.updated_to, call.target.time("lastOperationTimeTo"));
  INGOT_ASSIGN(query.include_state, call.target.truth("fetchState", false));
  INGOT_ASSIGN(query.include_transient, call.target.truth("includeTransient", false));
  // With states, fewer: each may be as large as a payload.
  INGOT_ASSIGN(const std::uint64_t top, call.target.number("top", query.include_state ? 20 : 100, 1,
                                                           query.include_state ? 100 : 1000));
  query.page_size = static_cast<std::uint32_t>(top);
  query.continuation_token = read_continuation_token(call);
  JsonWriter json;
  json.begin_array();
  INGOT_ASSIGN(const std::string next,
               give_page(
                   query, query.include_state, kPageBytesMax,
                   [&](const EntityQuery& step) { return call.client().query_entities(step); },
                   [](const EntityPage& page) -> auto& { return page.entities; },
                   [&](const EntityState& entity) { write_entity(json, entity, form); }));
  json.end_array();
  HttpResponse response = json_response(200, json.take());
  if (!next.empty()) {
    response.fields.emplace_back(kContinuationField, percent_encode(next));
  }
  return response;
}

Route list_route(std::string pattern, const char* summary) {
  return {"GET",
          std::move(pattern),
          RouteKind::hub,
          "Entities",
          summary,
          "One page by id; paging is as for instances.",
          {{"prefix", "string", "Only ids (below a name: keys) that begin so."},
           {"lastOperationTimeFrom", "string", "ISO 8601, inclusive."},
           {"lastOperationTimeTo", "string", "ISO 8601, exclusive."},
           {"fetchState", "boolean", "With states; then at most 100 a page."},
           {"includeTransient", "boolean", "Also those without state."},
           {"top", "integer", "Entities a page, 1 to 1,000; 100 by default."},
           kStates,
           {kContinuationField, "header", "From the page before."}},
          "",
          {{200, "A page", "Entity[]"}},
          [](const Call& call) { return respond(list_entities(call)); }};
}

}  // namespace

std::vector<Route> entity_routes() {
  std::vector<Route> routes;
  routes.push_back(list_route(kEntities, "List entities"));
  routes.push_back(
      list_route(std::string(kEntities) + "/{entityName}", "List the entities of one name"));
  routes.push_back({"GET",
                    kEntity,
                    RouteKind::hub,
                    "Entities",
                    "Get an entity",
                    "Its state; with details=true, an object about it.",
                    {{"details", "boolean", "An object with times, lock and queue."}, kStates},
                    "",
                    {{200, "Its state, or the object about it"},
                     {404, "It does not exist, or has no state", "Error"}},
                    [](const Call& call) { return respond(show_entity(call)); }});
  routes.push_back({"POST",
                    kEntity,
                    RouteKind::hub,
                    "Entities",
                    "Signal an entity",
                    "Creates it when it does not exist.",
                    {{"op", "string", "The operation."},
                     {"at", "string", "When it is due: ISO 8601."},
                     {"traceparent", "header", "W3C trace context."},
                     {"Idempotency-Key", "header", "A repetition is not carried out."}},
                    "The operation's input",
                    {{202, "It is durable"}},
                    [](const Call& call) { return respond(signal_entity(call)); }});
  return routes;
}

}  // namespace ingot::server
