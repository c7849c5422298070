// Routes that look at instances: one, its history, pages of many, counts.

#include <algorithm>

#include "core/try.h"
#include "tools/ingotd/http/instance_filters.h"
#include "tools/ingotd/http/json_writer.h"
#include "tools/ingotd/http/route.h"
#include "tools/ingotd/http/views.h"
#include "tools/ingotd/pages.h"

namespace ingot::server {
namespace {

Result<HttpResponse> list_instances(const Call& call) {
  InstanceQuery query;
  INGOT_TRY(read_instance_filter(call.target, query));
  InstanceView view;
  INGOT_ASSIGN(view.form, read_payload_form(call.target));
  INGOT_ASSIGN(const bool payloads, call.target.truth("showPayloads", true));
  INGOT_ASSIGN(view.input, call.target.truth("showInput", true));
  INGOT_ASSIGN(query.descending, call.target.truth("descending", false));
  INGOT_ASSIGN(const std::uint64_t top, call.target.number("top", 100, 1, 1000));
  query.page_size = static_cast<std::uint32_t>(top);
  query.with_payloads = payloads;
  view.input = view.input && payloads;
  view.output = payloads;
  query.continuation_token = read_continuation_token(call);

  JsonWriter json;
  json.begin_array();
  INGOT_ASSIGN(const std::string next,
               give_page(
                   query, payloads, kPageBytesMax,
                   [&](const InstanceQuery& step) { return call.client().query_instances(step); },
                   [](const InstancePage& page) -> auto& { return page.instances; },
                   [&](const InstanceState& state) {
                     json.begin_object();
                     write_instance(json, state, view);
                     json.end_object();
                   }));
  json.end_array();
  HttpResponse response = json_response(200, json.take());
  if (!next.empty()) {
    response.fields.emplace_back(kContinuationField, percent_encode(next));
  }
  return response;
}

Status write_history(const Call& call, JsonWriter& json, std::string_view id, bool payloads,
                     PayloadForm form) {
  INGOT_ASSIGN(const std::uint64_t skip, call.target.number("skip", 0, 0, 1ULL << 32));
  INGOT_ASSIGN(const std::uint64_t top,
               call.target.number("historyTop", 1ULL << 32, 0, 1ULL << 32));
  INGOT_ASSIGN(const std::vector<HistoryEvent> history, call.client().get_history(id));
  json.member("historyLength", history.size());
  json.key("historyEvents").begin_array();
  const std::uint64_t begin = std::min<std::uint64_t>(skip, history.size());
  const std::uint64_t end = begin + std::min<std::uint64_t>(top, history.size() - begin);
  for (std::uint64_t i = begin; i < end; ++i) write_event(json, history[i], payloads, form);
  json.end_array();
  return {};
}

Result<HttpResponse> show_instance(const Call& call) {
  const std::string& id = call.path("instanceId");
  InstanceView view;
  INGOT_ASSIGN(view.form, read_payload_form(call.target));
  INGOT_ASSIGN(view.input, call.target.truth("showInput", true));
  INGOT_ASSIGN(const bool history, call.target.truth("showHistory", false));
  INGOT_ASSIGN(const bool outputs, call.target.truth("showHistoryOutput", false));
  INGOT_ASSIGN(const bool plain_ok, call.target.truth("alwaysOk", false));
  INGOT_ASSIGN(const bool failed_is_500,
               call.target.truth("returnInternalServerErrorOnFailure", false));
  INGOT_ASSIGN(const InstanceState state, call.client().get_instance(id));
  JsonWriter json;
  json.begin_object();
  write_instance(json, state, view);
  if (history) INGOT_TRY(write_history(call, json, id, outputs, view.form));
  json.end_object();
  HttpResponse response = json_response(200, json.take());
  if (!is_terminal(state.status) && !plain_ok) {
    response.status = 202;
    response.fields.emplace_back("Location", hub_path(call) + "/instances/" + percent_encode(id));
    response.fields.emplace_back("Retry-After", "10");
  }
  if (failed_is_500 && state.status == RuntimeStatus::failed) response.status = 500;
  return response;
}

Result<HttpResponse> show_history(const Call& call) {
  INGOT_ASSIGN(const PayloadForm form, read_payload_form(call.target));
  INGOT_ASSIGN(const bool outputs, call.target.truth("showHistoryOutput", true));
  JsonWriter json;
  json.begin_object();
  INGOT_TRY(write_history(call, json, call.path("instanceId"), outputs, form));
  json.end_object();
  return json_response(200, json.take());
}

Result<HttpResponse> show_counts(const Call& call) {
  INGOT_ASSIGN(const InstanceCounts counts, call.client().count_instances());
  JsonWriter json;
  json.begin_object();
  write_counts(json, counts);
  json.end_object();
  return json_response(200, json.take());
}

std::vector<RouteParameter> with_filters(std::vector<RouteParameter> more) {
  std::vector<RouteParameter> all = {
      {"instanceIdPrefix", "string", "Only ids that begin so."},
      {"runtimeStatus", "string",
       "Only these, separated by commas: Pending, Running, Completed, "
       "Failed, Terminated, Suspended."},
      {"name", "string", "Only these orchestrators, separated by commas."},
      {"createdTimeFrom", "string", "ISO 8601, inclusive."},
      {"createdTimeTo", "string", "ISO 8601, exclusive."},
      {"completedTimeFrom", "string", "ISO 8601, inclusive; only what has ended."},
      {"completedTimeTo", "string", "ISO 8601, exclusive; only what has ended."},
  };
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

constexpr RouteParameter kPayloads = {
    "payloads", "string",
    "json (default): payloads that are JSON are given as JSON; text: always as strings."};

}  // namespace

std::vector<RouteParameter> instance_filter_parameters() { return with_filters({}); }

std::vector<Route> instance_routes() {
  std::vector<Route> routes;
  routes.push_back(
      {"GET",
       "/api/hubs/{hub}/instances",
       RouteKind::hub,
       "Instances",
       "Query instances",
       "One page by instance id. The header x-ms-continuation-token of the answer, sent with the "
       "next request, gives the next page; there is none with the last one.",
       with_filters({{"top", "integer", "Instances a page, 1 to 1,000; 100 by default."},
                     {"descending", "boolean", "The highest ids first."},
                     {"showInput", "boolean", "With inputs (default)."},
                     {"showPayloads", "boolean", "With any payload (default)."},
                     kPayloads,
                     {kContinuationField, "header", "From the page before."}}),
       "",
       {{200, "A page", "Instance[]"}},
       [](const Call& call) { return respond(list_instances(call)); }});
  routes.push_back({"GET",
                    "/api/hubs/{hub}/instances/{instanceId}",
                    RouteKind::hub,
                    "Instances",
                    "Get an instance",
                    "200 when it has ended, 202 while it is live.",
                    {{"showInput", "boolean", "With its input (default)."},
                     {"showHistory", "boolean", "With historyEvents."},
                     {"showHistoryOutput", "boolean", "With the payloads of the history."},
                     {"skip", "integer", "Leave out so many events of the history."},
                     {"historyTop", "integer", "At most so many events."},
                     {"returnInternalServerErrorOnFailure", "boolean", "500 when it has Failed."},
                     {"alwaysOk", "boolean", "200 also while it is live."},
                     kPayloads},
                    "",
                    {{200, "It has ended", "Instance"},
                     {202, "It is live", "Instance"},
                     {404, "There is none of this id", "Error"}},
                    [](const Call& call) { return respond(show_instance(call)); }});
  routes.push_back(
      {"GET",
       "/api/hubs/{hub}/instances/{instanceId}/history",
       RouteKind::hub,
       "Instances",
       "Get the history of an instance",
       "",
       {{"showHistoryOutput", "boolean", "With payloads (default)."},
        {"skip", "integer", "Leave out so many events."},
        {"historyTop", "integer", "At most so many events."},
        kPayloads},
       "",
       {{200, "Its events in order", "History"}, {404, "There is none of this id", "Error"}},
       [](const Call& call) { return respond(show_history(call)); }});
  routes.push_back({"GET",
                    "/api/hubs/{hub}/counts",
                    RouteKind::hub,
                    "Instances",
                    "Count instances by status",
                    "From counters: cheap at any number.",
                    {},
                    "",
                    {{200, "The counts", "Counts"}},
                    [](const Call& call) { return respond(show_counts(call)); }});
  return routes;
}

}  // namespace ingot::server
