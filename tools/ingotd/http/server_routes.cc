// Routes of the server itself: probes, metrics, the OpenAPI document, the list of hubs and the
// figures of one.

#include <chrono>

#include "core/try.h"
#include "tools/ingotd/http/instance_filters.h"
#include "tools/ingotd/http/json_writer.h"
#include "tools/ingotd/http/route.h"
#include "tools/ingotd/http/service.h"

namespace ingot::server {
namespace {

HttpResponse plain(int status, std::string text) {
  return {status, "text/plain; charset=utf-8", std::move(text), {}};
}

// Names no hub and no cause: probes need no token. The dashboard and /metrics tell more.
HttpResponse ready(const Call& call) {
  const auto& draining = call.service.options().draining;
  if (draining && draining()) return plain(503, "not ready: the server stops\n");
  const auto figures = call.service.take_figures();
  if (!figures.ok()) return plain(503, "not ready: a task hub does not answer\n");
  if (!(*figures)->failures.empty()) return plain(503, "not ready: a task hub is not open\n");
  for (const HubFigures& hub : (*figures)->hubs) {
    for (const PartitionMetrics& partition : hub.metrics.partitions) {
      if (!partition.failure.ok()) return plain(503, "not ready: a partition has stopped\n");
    }
  }
  return plain(200, "ready\n");
}

void write_partition(JsonWriter& json, const PartitionMetrics& m) {
  json.begin_object().member("partition", m.partition);
  json.member("up", m.failure.ok());
  if (!m.failure.ok()) json.member("failure", m.failure.to_string());
  json.member("facts", m.facts).member("historyEvents", m.history_events);
  json.member("orchestrationsFinished", m.orchestrations_completed);
  json.member("instancesLive", m.instances_live).member("instancesResident", m.instances_resident);
  json.member("entities", m.entities);
  json.member("durablePosition", m.durable_position);
  json.member("checkpointPosition", m.checkpoint_position);
  json.member("checkpointAgeSeconds", std::chrono::duration<double>(m.checkpoint_age).count());
  json.member("checkpoints", m.checkpoints).member("checkpointRows", m.checkpoint_rows);
  json.member("logBytes", m.log_bytes).member("logPayloadBytes", m.log_payload_bytes);
  json.member("logWrites", m.log_writes).member("logTailBytes", m.log_tail_bytes);
  json.member("inboxRequests", m.inbox_requests).member("requestsRefused", m.requests_refused);
  json.member("memoryBytes", m.memory_bytes).end_object();
}

Result<HttpResponse> show_hub(const Call& call) {
  INGOT_ASSIGN(const auto figures, call.service.take_figures());
  for (const HubFigures& hub : figures->hubs) {
    if (hub.name != call.hub.name) continue;
    JsonWriter json;
    json.begin_object().member("name", hub.name).member("ioBackend", hub.metrics.io_backend);
    json.member("recoverySeconds", hub.metrics.recovery_seconds);
    json.member("recoveryFacts", hub.metrics.recovery_facts);
    json.member("checkpointStallSecondsP999", hub.metrics.checkpoint_stall_us_p999 / 1e6);
    if (hub.counts.ok()) write_counts(json, *hub.counts);
    json.key("partitions").begin_array();
    for (const PartitionMetrics& partition : hub.metrics.partitions) {
      write_partition(json, partition);
    }
    json.end_array().end_object();
    return json_response(200, json.take());
  }
  return Status(StatusCode::not_found, "the task hub '" + call.hub.name + "' has been closed");
}

HttpResponse list_hubs(const Call& call) {
  JsonWriter json;
  json.begin_object().member("defaultHub", call.service.options().default_hub);
  json.key("hubs").begin_array();
  for (const OpenHub& hub : call.service.hubs().all()) {
    json.begin_object().member("name", hub.name).member("open", true).end_object();
  }
  for (const auto& [name, why] : call.service.hubs().failures()) {
    json.begin_object().member("name", name).member("open", false);
    json.member("failure", why.to_string()).end_object();
  }
  json.end_array().end_object();
  return json_response(200, json.take());
}

}  // namespace

std::vector<Route> server_routes() {
  std::vector<Route> routes;
  routes.push_back({"GET",
                    "/healthz",
                    RouteKind::open,
                    "Server",
                    "Is the process alive?",
                    "Answered without asking any hub.",
                    {},
                    "",
                    {{200, "It is"}},
                    [](const Call&) { return plain(200, "ok\n"); }});
  routes.push_back({"GET",
                    "/openapi.json",
                    RouteKind::open,
                    "Server",
                    "This document",
                    "",
                    {},
                    "",
                    {{200, "OpenAPI 3"}},
                    [](const Call& call) { return json_response(200, call.service.openapi()); }});
  routes.push_back({"GET",
                    "/readyz",
                    RouteKind::probe,
                    "Server",
                    "Can it serve?",
                    "Every hub is open, every partition works, and the server does not stop.",
                    {},
                    "",
                    {{200, "It can"}, {503, "It can't now"}},
                    ready});
  routes.push_back({"GET",
                    "/metrics",
                    RouteKind::server,
                    "Server",
                    "Metrics for Prometheus",
                    "Counters and gauges of every hub and partition, of requests, of the process.",
                    {},
                    "",
                    {{200, "Text format 0.0.4"}},
                    [](const Call& call) {
                      HttpResponse response =
                          plain(200, call.service.metrics_page(call.service.take_figures()));
                      response.content_type = Exposition::kContentType;
                      return response;
                    }});
  routes.push_back({"GET",
                    "/api/hubs",
                    RouteKind::server,
                    "Hubs",
                    "List task hubs",
                    "",
                    {},
                    "",
                    {{200, "Their names", "Hubs"}},
                    list_hubs});
  routes.push_back({"GET",
                    "/api/hubs/{hub}",
                    RouteKind::hub,
                    "Hubs",
                    "Figures of a task hub",
                    "Counts by status, and the load, log and checkpoints of each partition.",
                    {},
                    "",
                    {{200, "Its figures", "Hub"}},
                    [](const Call& call) { return respond(show_hub(call)); }});
  return routes;
}

}  // namespace ingot::server
