#include "tools/ingotd/http/openapi.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "tools/ingotd/http/json_writer.h"

namespace ingot::server {
namespace {

constexpr std::string_view kDescription =
    "The management API of the Ingot server, in the style of Durable Functions. Every operation "
    "below /api/hubs/{hub}/ is also served below /runtime/webhooks/durabletask/ with the hub in "
    "the "
    "parameter taskHub. A change needs 'Content-Type: application/json' or 'X-Ingot-Request: 1'. "
    "Failures have the body {\\\"error\\\": {\\\"code\\\", \\\"message\\\"}}; 503 means that "
    "nothing "
    "was done and that a repetition is right.";

// Members of "schemas".
constexpr std::string_view kSchemas = R"json({
"Error":{"type":"object","required":["error"],"properties":{"error":{"type":"object",
  "required":["code","message"],"properties":{"code":{"type":"string"},"message":{"type":"string"}}}}},
"RuntimeStatus":{"type":"string",
  "enum":["Pending","Running","Completed","Failed","Terminated","Suspended","ContinuedAsNew"]},
"Failure":{"type":"object","properties":{"errorType":{"type":"string"},"errorMessage":{"type":"string"},
  "isNonRetriable":{"type":"boolean"},"innerFailure":{"$ref":"#/components/schemas/Failure"}}},
"Instance":{"type":"object","required":["instanceId","runtimeStatus","name","createdTime","lastUpdatedTime"],
  "properties":{"instanceId":{"type":"string"},"executionId":{"type":"string"},"name":{"type":"string"},
  "version":{"type":"string"},"runtimeStatus":{"$ref":"#/components/schemas/RuntimeStatus"},
  "createdTime":{"type":"string","format":"date-time"},"lastUpdatedTime":{"type":"string","format":"date-time"},
  "completedTime":{"type":"string","format":"date-time"},"scheduledTime":{"type":"string","format":"date-time"},
  "parentInstanceId":{"type":"string"},"tags":{"type":"object","additionalProperties":{"type":"string"}},
  "input":{},"output":{},"customStatus":{},"failureDetails":{"$ref":"#/components/schemas/Failure"},
  "historyLength":{"type":"integer"},
  "historyEvents":{"type":"array","items":{"$ref":"#/components/schemas/HistoryEvent"}}}},
"HistoryEvent":{"type":"object","required":["eventType","timestamp"],"properties":{
  "eventType":{"type":"string"},"timestamp":{"type":"string","format":"date-time"},
  "eventId":{"type":"integer"},"taskScheduledId":{"type":"integer"},"name":{"type":"string"},
  "instanceId":{"type":"string"},"executionId":{"type":"string"},
  "fireAt":{"type":"string","format":"date-time"},"orchestrationStatus":{"$ref":"#/components/schemas/RuntimeStatus"},
  "recurse":{"type":"boolean"},"version":{"type":"string"},
  "parent":{"type":"object"},"tags":{"type":"object","additionalProperties":{"type":"string"}},
  "lockSet":{"type":"array","items":{"type":"string"}},
  "failureDetails":{"$ref":"#/components/schemas/Failure"},"input":{},"result":{},"reason":{}}},
"History":{"type":"object","properties":{"historyLength":{"type":"integer"},
  "historyEvents":{"type":"array","items":{"$ref":"#/components/schemas/HistoryEvent"}}}},
"Started":{"type":"object","required":["id"],"properties":{"id":{"type":"string"},
  "statusQueryGetUri":{"type":"string"},"sendEventPostUri":{"type":"string"},
  "terminatePostUri":{"type":"string"},"suspendPostUri":{"type":"string"},
  "resumePostUri":{"type":"string"},"rewindPostUri":{"type":"string"},
  "restartPostUri":{"type":"string"},"purgeHistoryDeleteUri":{"type":"string"}}},
"Purged":{"type":"object","required":["instancesDeleted"],"properties":{
  "instancesDeleted":{"type":"integer"},"complete":{"type":"boolean"}}},
"Counts":{"type":"object","properties":{"instances":{"type":"object",
  "additionalProperties":{"type":"integer"}},"entities":{"type":"integer"}}},
"Entity":{"type":"object","required":["entityId"],"properties":{"entityId":{"type":"object",
  "properties":{"name":{"type":"string"},"key":{"type":"string"}}},
  "createdTime":{"type":"string","format":"date-time"},"lastOperationTime":{"type":"string","format":"date-time"},
  "queuedOperations":{"type":"integer"},"lockedBy":{"type":"string"},"hasState":{"type":"boolean"},"state":{}}},
"Hubs":{"type":"object","properties":{"defaultHub":{"type":"string"},"hubs":{"type":"array",
  "items":{"type":"object","properties":{"name":{"type":"string"},"open":{"type":"boolean"},
  "failure":{"type":"string"}}}}}},
"Hub":{"type":"object","properties":{"name":{"type":"string"},"ioBackend":{"type":"string"},
  "recoverySeconds":{"type":"number"},"recoveryFacts":{"type":"integer"},
  "checkpointStallSecondsP999":{"type":"number"},
  "instances":{"type":"object","additionalProperties":{"type":"integer"}},"entities":{"type":"integer"},
  "partitions":{"type":"array","items":{"type":"object","properties":{"partition":{"type":"integer"},
  "up":{"type":"boolean"},"failure":{"type":"string"}},"additionalProperties":{"type":"number"}}}}}
})json";

std::string_view describe_path_parameter(std::string_view name) {
  if (name == "hub") return "The task hub.";
  if (name == "instanceId") return "The id of the instance.";
  if (name == "orchestrator") return "The name of the orchestrator.";
  if (name == "eventName") return "The name of the event.";
  if (name == "entityName") return "The kind of the entity.";
  if (name == "entityKey") return "Which one of its kind; may be empty.";
  return "The name.";
}

void write_parameter(JsonWriter& json, std::string_view name, std::string_view in,
                     std::string_view type, std::string_view description) {
  json.begin_object().member("name", name).member("in", in);
  json.member("description", description);
  if (in == "path") json.member("required", true);
  json.key("schema").begin_object().member("type", type).end_object().end_object();
}

void write_parameters(JsonWriter& json, const Route& route) {
  json.key("parameters").begin_array();
  std::string_view rest = route.pattern;
  for (std::size_t open = rest.find('{'); open != std::string_view::npos; open = rest.find('{')) {
    const std::size_t close = rest.find('}');
    const std::string_view name = rest.substr(open + 1, close - open - 1);
    write_parameter(json, name, "path", "string", describe_path_parameter(name));
    rest.remove_prefix(close + 1);
  }
  for (const RouteParameter& parameter : route.parameters) {
    const bool header = std::string_view(parameter.type) == "header";
    write_parameter(json, parameter.name, header ? "header" : "query",
                    header ? "string" : parameter.type, parameter.description);
  }
  json.end_array();
}

void write_schema(JsonWriter& json, std::string_view schema) {
  const bool array = schema.ends_with("[]");
  if (array) schema.remove_suffix(2);
  json.begin_object();
  if (array) json.member("type", "array").key("items").begin_object();
  json.member("$ref", "#/components/schemas/" + std::string(schema));
  if (array) json.end_object();
  json.end_object();
}

void write_answer(JsonWriter& json, const RouteAnswer& answer) {
  json.key(std::to_string(answer.status)).begin_object();
  json.member("description", answer.description);
  if (!std::string_view(answer.schema).empty()) {
    json.key("content").begin_object().key(kJsonType).begin_object().key("schema");
    write_schema(json, answer.schema);
    json.end_object().end_object();
  }
  json.end_object();
}

void write_operation(JsonWriter& json, const Route& route, bool needs_token) {
  std::string method = route.method;
  std::transform(method.begin(), method.end(), method.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  json.key(method).begin_object();
  json.key("tags").begin_array().value(route.tag).end_array();
  json.member("summary", route.summary);
  if (!std::string_view(route.description).empty()) json.member("description", route.description);
  write_parameters(json, route);
  if (!std::string_view(route.body).empty()) {
    json.key("requestBody").begin_object().member("description", route.body);
    json.key("content").begin_object().key(kJsonType).begin_object();
    json.key("schema").begin_object().end_object().end_object().end_object().end_object();
  }
  json.key("responses").begin_object();
  for (const RouteAnswer& answer : route.answers) write_answer(json, answer);
  json.key("default").begin_object().member("description", "A failure");
  json.key("content").begin_object().key(kJsonType).begin_object().key("schema");
  write_schema(json, "Error");
  json.end_object().end_object().end_object().end_object();
  const bool open = route.kind == RouteKind::open || route.kind == RouteKind::probe;
  if (needs_token && open) json.key("security").begin_array().end_array();
  json.end_object();
}

}  // namespace

std::string openapi_document(const std::vector<Route>& routes, std::string_view version,
                             bool needs_token) {
  std::map<std::string, std::vector<const Route*>, std::less<>> by_path;
  for (const Route& route : routes) by_path[route.pattern].push_back(&route);
  JsonWriter json;
  json.begin_object().member("openapi", "3.0.3");
  json.key("info").begin_object().member("title", "Ingot").member("version", version);
  json.key("description").raw('"' + std::string(kDescription) + '"').end_object();
  json.key("paths").begin_object();
  for (const auto& [path, operations] : by_path) {
    json.key(path).begin_object();
    for (const Route* route : operations) write_operation(json, *route, needs_token);
    json.end_object();
  }
  json.end_object();
  json.key("components").begin_object().key("schemas").raw(kSchemas);
  if (needs_token) {
    json.key("securitySchemes").begin_object().key("bearer").begin_object();
    json.member("type", "http").member("scheme", "bearer").end_object().end_object();
  }
  json.end_object();
  if (needs_token) {
    json.key("security").begin_array().begin_object();
    json.key("bearer").begin_array().end_array().end_object().end_array();
  }
  json.end_object();
  return json.take();
}

}  // namespace ingot::server
